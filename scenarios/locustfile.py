"""How is a profile of many users driven? A locustfile: each virtual user is a Locust user.

It works with plain Locust too, web page included; without --profile it goes on until stopped:

    locust -f scenarios/locustfile.py --scenario usage_tracking --environment staging

The only place where Locust and gevent are imported: importing them patches the process. Locust's
own statistics feed its page and nothing else; what counts is the recording.
"""

import json
import os
import sys
import time
from argparse import Namespace
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import gevent
import gevent.os
from locust import User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment as Locust
from locust.exception import StopUser

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # plain `locust` does not know it

from config.environment import find_environment, read_environment  # noqa: E402
from config.errors import ConfigError  # noqa: E402
from scenarios.arrivals import ClosedModel, arrivals_of  # noqa: E402
from scenarios.evidence import RunFolder, new_run_id  # noqa: E402
from scenarios.exchange import Exchange, Outcome  # noqa: E402
from scenarios.flow import Flow, compile_flow, run_iteration  # noqa: E402
from scenarios.http_client import HttpxSender  # noqa: E402
from scenarios.plan import with_load  # noqa: E402
from scenarios.reader import find_scenario, read_scenario  # noqa: E402
from scenarios.recording import End, Recorder  # noqa: E402

_PROGRESS_S = 0.25
_LOOP_TICK_S = 0.02
_FOREVER = ClosedModel(iterations=None, until_s=float("inf"))
_GRACE_S = 1


@dataclass(frozen=True)
class Order:
    """What this process shall drive, as its command line says; `stem` names its recordings."""

    flow: Flow
    profile: str
    arrivals: ClosedModel
    users: int
    exchanges: Path
    stem: str


class LiveRecorder(Recorder):
    """A recorder that shows each exchange to Locust's page as well."""

    def __init__(self, locust: Locust, order: Order) -> None:
        """Open the recording that the order asks for."""
        path = order.exchanges / f"{order.stem}.jsonl"
        self._locust = locust
        super().__init__(path, order.stem, order.profile, order.users, order.arrivals.iterations)

    def conclude(self, exchange: Exchange, detail: dict[str, Any] | None = None) -> None:
        """Record what came of a request, and show it."""
        super().conclude(exchange, detail)
        failed = exchange.outcome is not Outcome.OK
        self._locust.events.request.fire(  # type: ignore[no-untyped-call]
            request_type="step",
            name=exchange.step,
            response_time=(exchange.done_s - exchange.sent_s) * 1000,
            response_length=0,
            exception=RuntimeError(f"{exchange.outcome}: {exchange.reason}") if failed else None,
            context={},
        )


@dataclass
class Load:
    """One load while it runs: what has been begun and ended, and how the generator fares."""

    order: Order
    recorder: Recorder
    begin_s: float
    started: int = 0
    ended: int = 0
    users: int = 0
    loop_delay_max_s: float = 0.0
    cpu_before_s: float = field(default_factory=time.process_time)

    def next_iteration(self) -> tuple[int, float] | None:
        """Return the number (from 1) and due time of the next iteration, or None at the end."""
        elapsed_s = self.recorder.now_s() - self.begin_s
        due_s = self.order.arrivals.due_s(self.started, elapsed_s)
        if due_s is None:
            return None
        self.started += 1
        return self.started, due_s + self.begin_s

    def is_over(self) -> bool:
        """Tell whether nothing is due any more and every user has ended."""
        begun = self.started > 0 or self.recorder.now_s() - self.begin_s > _GRACE_S
        over = self.order.arrivals.due_s(self.started, self.recorder.now_s() - self.begin_s) is None
        return begun and over and self.users == 0

    def bound_s(self) -> float:
        """Return by when, on the recorder's clock, iterations in flight must have ended."""
        in_flight_s = sum(step.timeout_s for step in self.order.flow.steps)
        return self.begin_s + self.order.arrivals.until_s + in_flight_s

    def end(self) -> None:
        """Record the end; what was scheduled and not begun is dropped."""
        scheduled = self.order.arrivals.iterations or self.started
        cpu_s = time.process_time() - self.cpu_before_s
        wall_s = self.recorder.now_s() - self.begin_s
        self.recorder.end(
            End(self.started, scheduled - self.started, cpu_s, wall_s, self.loop_delay_max_s)
        )


class Session:
    """What this process is about: its order, and its load once that has begun."""

    order: Order
    load: Load


SESSION = Session()


class VirtualUser(User):
    """Passes through the flow until no iteration is due."""

    def on_start(self) -> None:
        """Take this user's own connections."""
        self.load = SESSION.load
        self.load.users += 1
        self.sender = HttpxSender(self.load.order.flow.network)

    def on_stop(self) -> None:
        """Give them back."""
        self.sender.close()
        self.load.users -= 1

    @task
    def iterate(self) -> None:
        """Run one iteration, or stop for good."""
        due = self.load.next_iteration()
        if due is None:
            raise StopUser
        run_iteration(self.load.order.flow, *due, self.sender, self.load.recorder)
        self.load.ended += 1


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
def _await_order(environment: Locust, **_: Any) -> None:
    """Read everything that can be wrong before the first request, then wait for the word."""
    options = _options(environment)
    try:
        SESSION.order = _read_order(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        os._exit(2)
    if options.on_order:
        _say({"ready": True})
        if not os.read(0, 1):
            os._exit(0)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Locust, **_: Any) -> None:
    options = _options(environment)
    if not options.on_order:
        SESSION.order = _read_order(options)  # the page may have changed it
    recorder = LiveRecorder(environment, SESSION.order)
    SESSION.load = Load(SESSION.order, recorder, recorder.now_s())
    gevent.spawn(_watch_loop, SESSION.load)
    if options.on_order:
        gevent.spawn(_stop_when_over, environment, SESSION.load)
        gevent.spawn(_stop_when_left_alone, environment)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _end(environment: Locust, **_: Any) -> None:
    SESSION.load.end()


def _options(locust: Locust) -> Namespace:
    if locust.parsed_options is None:
        raise RuntimeError("this locustfile needs Locust's command line")
    options: Namespace = locust.parsed_options
    return options


def _read_order(options: Namespace) -> Order:
    scenario = read_scenario(find_scenario(options.scenario))
    environment = read_environment(find_environment(options.environment))
    profile = scenario.profiles.get(options.profile or "")
    if profile:
        profile = with_load(profile, options.num_users, options.iterations)
    if options.evidence:
        folder = RunFolder(Path(options.evidence))
        run = folder.read_run()
        run_id, tenant, exchanges = run.run_id, run.tenant, folder.exchanges
    else:
        run_id, tenant = new_run_id(datetime.now(UTC)), str(uuid4())
        exchanges = ROOT / "runs" / f"locust-{run_id}"
        exchanges.mkdir(parents=True)
    return Order(
        flow=compile_flow(scenario, environment, run_id, tenant),
        profile=options.profile or "until stopped",
        arrivals=arrivals_of(profile) if profile else _FOREVER,
        users=options.num_users or 1,
        exchanges=exchanges,
        stem=options.stem or "locust",
    )


def _watch_loop(load: Load) -> None:
    while True:
        before_s = time.monotonic()
        gevent.sleep(_LOOP_TICK_S)
        late_s = time.monotonic() - before_s - _LOOP_TICK_S
        load.loop_delay_max_s = max(load.loop_delay_max_s, late_s)


def _stop_when_over(locust: Locust, load: Load) -> None:
    said_s = 0.0
    while not load.is_over() and load.recorder.now_s() < load.bound_s():
        gevent.sleep(_LOOP_TICK_S)
        if load.recorder.now_s() - said_s > _PROGRESS_S:
            said_s = load.recorder.now_s()
            _say({"ended": load.ended, "scheduled": load.order.arrivals.iterations})
    _say({"ended": load.ended, "scheduled": load.order.arrivals.iterations})
    _quit(locust)


def _stop_when_left_alone(locust: Locust) -> None:
    while gevent.os.tp_read(0, 1):
        pass
    _quit(locust)
    gevent.sleep(_GRACE_S)
    os._exit(1)


def _quit(locust: Locust) -> None:
    if locust.runner:
        locust.runner.quit()


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
