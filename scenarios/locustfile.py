"""The locustfile: each virtual user is a Locust user.

It works with plain Locust too, web page, master and workers included; without --profile it goes on
until stopped:

    locust -f scenarios/locustfile.py --scenario usage_tracking --environment staging

Here and in `scenarios.engine` are the only places where Locust and gevent are imported: importing
them patches the process. Locust's own statistics feed its page and nothing else; what counts is the
recording.
"""

import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Protocol

from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # plain `locust` does not know it

from config.errors import ConfigError
from scenarios.engine.load_runner import LoadRunner, UserLoop
from scenarios.engine.local_role import LocalRole
from scenarios.engine.master_role import MasterRole
from scenarios.engine.worker_role import WorkerRole

_WRONG_INPUT = 2


class Role(Protocol):
    """What this process is in a load: the only one, a worker, or the master.

    `load_runner` is what its users do: None where they are to do nothing.
    """

    load_runner: LoadRunner | None

    def begin(self) -> None:
        """Begin a load."""

    def end(self) -> None:
        """End it."""


class Process:
    """What this process is: Locust leaves no other way from an event to a user."""

    role: Role


class VirtualUser(User):
    """Passes through the flow until no iteration is due."""

    loop: UserLoop | None = None

    def on_start(self) -> None:
        """Take this user's own connections."""
        if Process.role.load_runner:
            self.loop = UserLoop(Process.role.load_runner)

    def on_stop(self) -> None:
        """Give them back."""
        if self.loop:
            self.loop.close()

    @task
    def iterate(self) -> None:
        """Run iterations for as long as any is due, then stop for good."""
        if self.loop:
            self.loop.run()
        raise StopUser


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: LocustArgumentParser, **_: Any) -> None:
    parser.add_argument("--scenario", default="usage_tracking", help="a scenario's name or file")
    parser.add_argument("--environment", default="local", help="an environment's name or file")
    # --profile is Locust's own option: the name of what is driven
    parser.add_argument("--iterations", type=int, default=0, help="instead of the profile's")
    parser.add_argument("--evidence", default="", help="the folder for the recording",
                       include_in_web_ui=False)  # fmt: skip
    parser.add_argument("--stem", default="", help="the recording's name", include_in_web_ui=False)
    parser.add_argument("--on-order", action="store_true", include_in_web_ui=False,
                       help="begin at a byte on standard input, stop at its end")  # fmt: skip


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: Any) -> None:
    """Read everything that can be wrong before the first request."""
    try:
        Process.role = _role(environment)
    except ConfigError as error:
        print(error, file=sys.stderr)
        os._exit(_WRONG_INPUT)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Environment, **_: Any) -> None:
    Process.role.begin()


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _end(environment: Environment, **_: Any) -> None:
    Process.role.end()


def _role(locust: Environment) -> Role:
    options, runner = _options(locust), locust.runner
    if isinstance(runner, WorkerRunner):
        return WorkerRole(locust, runner, options)
    if isinstance(runner, MasterRunner):
        return MasterRole(runner, options)
    return LocalRole(locust, options)


def _options(locust: Environment) -> Namespace:
    if locust.parsed_options is None:
        raise RuntimeError("this locustfile needs Locust's command line")
    options: Namespace = locust.parsed_options
    return options
