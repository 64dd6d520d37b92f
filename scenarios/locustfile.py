"""The locustfile: each virtual user of a load is a Locust user.

`scenarios.driver.load_process` runs it with `--on-order`. It works with plain Locust, too, with its
web page, master and workers; without --profile, the load runs until it is stopped:

    locust -f scenarios/locustfile.py --scenario usage_tracking --environment staging

Only this module and `scenarios.engine` import Locust and gevent, since importing them patches the
process. Locust's statistics are for its web page only; the checks rest on the recording.
"""

import os
import sys
from pathlib import Path
from typing import Any, Protocol

from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # plain `locust` does not add it

from config.errors import ConfigError
from scenarios.engine.interrupts import end_on_interrupt, stop_on_interrupt
from scenarios.engine.load_runner import LoadRunner, UserLoop
from scenarios.engine.local_role import LocalRole
from scenarios.engine.master_role import MasterRole
from scenarios.engine.secure_channel import install
from scenarios.engine.worker_role import WorkerRole

_WRONG_INPUT = 2

end_on_interrupt()
install()  # before Locust opens the channel, which it does after it has read this file


class Role(Protocol):
    """The role of this process in a load: the only one, a worker, or the master.

    Its users run iterations of the `load_runner`; without one, as in a master, they do nothing.
    """

    load_runner: LoadRunner | None

    def begin(self) -> None:
        """Start a load."""

    def end(self) -> None:
        """End the load."""


class Process:
    """The role of this process, as a class attribute: Locust passes users nothing but itself."""

    role: Role


class VirtualUser(User):
    """One virtual user, with connections of its own."""

    loop: UserLoop | None = None

    def on_start(self) -> None:
        """Create the client of this user."""
        if Process.role.load_runner:
            self.loop = UserLoop(Process.role.load_runner)

    def on_stop(self) -> None:
        """Close the connections of this user."""
        if self.loop:
            self.loop.close()

    @task
    def iterate(self) -> None:
        """Run iterations until none is due any more, then end this user."""
        if self.loop:
            self.loop.run()
        raise StopUser


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: LocustArgumentParser, **_: Any) -> None:
    parser.add_argument("--scenario", default="usage_tracking", help="name or file of a scenario")
    parser.add_argument("--environment", default="local", help="name or file of an environment")
    # --profile is an option of Locust; here it names the profile of the scenario
    parser.add_argument(
        "--iterations", type=int, default=0, help="number of iterations, instead of the profile's"
    )
    parser.add_argument("--rate", type=float, default=0.0,
                        help="iterations per second, instead of the profile's load")  # fmt: skip
    parser.add_argument("--duration", type=float, default=0.0,
                        help="seconds, instead of the profile's")  # fmt: skip
    parser.add_argument("--earlier", default="", help="iterations of the profiles driven before",
                       include_in_web_ui=False)  # fmt: skip
    parser.add_argument("--evidence", default="", help="run folder for the recording",
                       include_in_web_ui=False)  # fmt: skip
    parser.add_argument("--stem", default="", help="name of the recording", include_in_web_ui=False)
    parser.add_argument("--on-order", action="store_true", include_in_web_ui=False,
                       help="start at a byte on standard input, stop at its end")  # fmt: skip


@events.init.add_listener  # type: ignore[untyped-decorator]
def _prepare(environment: Environment, **_: Any) -> None:
    """Read options and files; exit on a mistake, before any request is sent."""
    options, runner = environment.parsed_options, environment.runner
    if options is None:
        raise RuntimeError("this locustfile needs Locust's command line")
    try:
        if isinstance(runner, WorkerRunner):
            Process.role = WorkerRole(environment, runner, options)
        elif isinstance(runner, MasterRunner):
            Process.role = MasterRole(runner, options)
        else:
            Process.role = LocalRole(environment, options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        os._exit(_WRONG_INPUT)  # Locust would log an exception of a listener and go on
    stop_on_interrupt()


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Environment, **_: Any) -> None:
    Process.role.begin()


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _end(environment: Environment, **_: Any) -> None:
    Process.role.end()
