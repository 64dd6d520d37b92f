"""How is a load driven? A locustfile: each virtual user is a Locust user.

It works with plain Locust too, web page, master and workers included; without --profile it goes on
until stopped:

    locust -f scenarios/locustfile.py --scenario usage_tracking --environment staging

Here and in `scenarios.engine` are the only places where Locust and gevent are imported: importing
them patches the process. Locust's own statistics feed its page and nothing else; what counts is the
recording.
"""

import json
import os
import platform
import shutil
import sys
import tempfile
from argparse import Namespace
from dataclasses import dataclass
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
from locust.runners import MasterRunner, WorkerRunner

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # plain `locust` does not know it

from config.environment import find_environment, read_environment  # noqa: E402
from config.errors import ConfigError  # noqa: E402
from scenarios.arrivals import ClosedModel, Part, arrivals_of  # noqa: E402
from scenarios.engine.distribution import SHIP_S, Courier, Office  # noqa: E402
from scenarios.engine.driving import Driving, Seat  # noqa: E402
from scenarios.engine.page import Page  # noqa: E402
from scenarios.evidence import RunFolder, new_run_id  # noqa: E402
from scenarios.flow import compile_flow  # noqa: E402
from scenarios.loading import Order  # noqa: E402
from scenarios.model import Profile  # noqa: E402
from scenarios.plan import with_load  # noqa: E402
from scenarios.reader import find_scenario, read_scenario  # noqa: E402

_PROGRESS_S = 0.25
_TICK_S = 0.02
_GRACE_S = 1
_FOREVER = ClosedModel(iterations=None, until_s=float("inf"))


@dataclass(frozen=True)
class Task:
    """What this run of Locust shall drive, as its command line says, or the master's order."""

    scenario: Path
    environment: Path
    profile: str
    run_id: str
    tenant: str
    users: int
    iterations: int
    stem: str
    exchanges: Path

    def order(self, part: Part, generator: str, ships: bool) -> Order:
        """Return one process' part of it. Raises ConfigError."""
        scenario, environment = read_scenario(self.scenario), read_environment(self.environment)
        profile = scenario.profiles.get(self.profile)
        if profile:
            profile = with_load(profile, self.users, self.iterations)
        return Order(
            flow=compile_flow(scenario, environment, self.run_id, self.tenant),
            profile=self.profile or "until stopped",
            arrivals=arrivals_of(profile).part(part) if profile else _FOREVER,
            users=part.of_number(self.users),
            exchanges=self.exchanges,
            generator=generator,
            warm_up_s=(profile and profile.warm_up) or 0.0,
            abort=(profile or Profile()).abort,
            ships=ships,
        )


class Session:
    """What this process is about: its task, and what it has under way."""

    task: Task
    order: Order
    driving: Driving
    page: Page | None = None
    courier: Courier | None = None
    office: Office | None = None


SESSION = Session()


class VirtualUser(User):
    """Passes through the flow until no iteration is due."""

    def on_start(self) -> None:
        """Take this user's own connections."""
        self.seat = Seat(SESSION.driving)

    def on_stop(self) -> None:
        """Give them back."""
        self.seat.close()

    @task
    def iterate(self) -> None:
        """Run iterations for as long as any is due, then stop for good."""
        self.seat.drive()
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
def _prepare(environment: Locust, **_: Any) -> None:
    """Read everything that can be wrong before the first request, then wait for the word."""
    options, runner = _options(environment), environment.runner
    if isinstance(runner, WorkerRunner):
        _await_orders(runner, options)
        return
    try:
        SESSION.task = _read_task(options)
        SESSION.order = SESSION.task.order(Part(), SESSION.task.stem, ships=False)
    except ConfigError as error:
        print(error, file=sys.stderr)
        os._exit(2)
    if isinstance(runner, MasterRunner):
        _serve_workers(runner)
    elif options.on_order:
        _say({"ready": True})
        if not os.read(0, 1):
            os._exit(0)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Locust, **_: Any) -> None:
    options, runner = _options(environment), environment.runner
    if not isinstance(runner, WorkerRunner) and not options.on_order:
        SESSION.task = _read_task(options)  # the page may have changed it
        SESSION.order = SESSION.task.order(Part(), SESSION.task.stem, ships=False)
        SESSION.task.exchanges.mkdir(parents=True, exist_ok=True)
        print(f"recording to {SESSION.task.exchanges}", file=sys.stderr, flush=True)
    if isinstance(runner, MasterRunner):
        _send_orders(environment, runner, options)
    elif isinstance(runner, WorkerRunner):
        SESSION.driving = Driving(SESSION.order, lambda reason: _report_collapse(runner, reason))
        SESSION.courier = Courier(environment, runner, SESSION.driving.load)
        gevent.spawn(_ship, SESSION.driving, SESSION.courier)
    else:
        SESSION.driving = Driving(SESSION.order)
        SESSION.page = Page(environment, SESSION.driving.load)
        gevent.spawn(_show, SESSION.driving, SESSION.page)
        if options.on_order:
            gevent.spawn(_stop_when_over, environment)
            gevent.spawn(_stop_when_left_alone, environment)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _end(environment: Locust, **_: Any) -> None:
    if isinstance(environment.runner, MasterRunner):
        return
    if SESSION.courier and not SESSION.driving.is_closed:
        SESSION.driving.close()
        SESSION.courier.finish()
    SESSION.driving.close()
    if SESSION.page:
        SESSION.page.show_fresh()
        SESSION.page.close()
        SESSION.page = None


# One process alone


def _show(driving: Driving, page: Page) -> None:
    while not driving.is_closed:
        page.show_fresh()
        gevent.sleep(_PROGRESS_S)


def _stop_when_over(locust: Locust) -> None:
    load, said_s = SESSION.driving.load, 0.0
    now_s = load.recorder.now_s
    while not load.is_over(now_s()) and now_s() < load.bound_s():
        gevent.sleep(_TICK_S)
        if now_s() - said_s > _PROGRESS_S:
            said_s = now_s()
            _say({"ended": load.ended, "scheduled": load.order.scheduled})
    _say({"ended": load.ended, "scheduled": load.order.scheduled})
    _quit(locust)


def _stop_when_left_alone(locust: Locust) -> None:
    while gevent.os.tp_read(0, 1):
        pass
    _quit(locust)
    gevent.sleep(_GRACE_S)
    os._exit(1)


# A worker


def _await_orders(runner: WorkerRunner, options: Namespace) -> None:
    runner.register_message("order", lambda environment, msg: _take_order(runner, msg.data))
    runner.register_message("kept", lambda environment, msg: _confirm(msg.data["batch"]))
    runner.register_message("halt", lambda environment, msg: SESSION.driving.stop(
        msg.data["reason"]))  # fmt: skip
    if options.on_order:
        gevent.spawn(_stop_when_left_alone, runner.environment)


def _take_order(runner: WorkerRunner, data: dict[str, Any]) -> None:
    """Read what the master sends; tell it whether that can be driven here."""
    folder, problem = Path(tempfile.mkdtemp(prefix="trial-balance-")), ""
    try:
        for name in ("scenario", "environment"):
            (folder / f"{name}.yaml").write_text(data[name], encoding="utf-8")
        given = {key: data[key] for key in ("profile", "run_id", "tenant", "users", "iterations")}
        made = Task(scenario=folder / "scenario.yaml", environment=folder / "environment.yaml",
                    stem=data["generator"], exchanges=folder, **given)  # fmt: skip
        part = Part(data["index"], data["of"])
        SESSION.task, SESSION.order = made, made.order(part, data["generator"], ships=True)
    except (ConfigError, OSError) as error:
        problem = f"{runner.client_id}: {error}"
    told = {"problem": problem, "folder": str(folder), "machine": platform.node()}
    runner.send_message("ordered", told)


def _confirm(number: int) -> None:
    if SESSION.courier:
        SESSION.courier.confirm(number)


def _report_collapse(runner: WorkerRunner, reason: str) -> None:
    SESSION.driving.stop(reason)
    runner.send_message("collapse", {"reason": reason})


def _ship(driving: Driving, courier: Courier) -> None:
    """Bring the master what is recorded, to the end; then nothing of it is needed here."""
    load = driving.load
    now_s = load.recorder.now_s
    while not driving.is_closed and not load.is_over(now_s()) and now_s() < load.bound_s():
        gevent.sleep(SHIP_S)
        courier.ship()
    if not driving.is_closed:
        driving.close()
        courier.finish()
    if courier.await_confirmation():
        shutil.rmtree(load.order.exchanges, ignore_errors=True)
    else:
        print(f"the master did not take all: what is missing there is in {load.order.exchanges}",
              file=sys.stderr)  # fmt: skip


# The master


def _serve_workers(runner: MasterRunner) -> None:
    def ordered(environment: Locust, msg: Any) -> None:
        if SESSION.office:
            SESSION.office.ordered(msg.node_id, msg.data)

    def batch(environment: Locust, msg: Any) -> None:
        if SESSION.office:
            SESSION.office.keep(msg.node_id, msg.data)

    def collapse(environment: Locust, msg: Any) -> None:
        runner.send_message("halt", {"reason": msg.data["reason"]})

    for name, listener in (("ordered", ordered), ("batch", batch), ("collapse", collapse)):
        runner.register_message(name, listener)


def _send_orders(locust: Locust, runner: MasterRunner, options: Namespace) -> None:
    """Give each worker its part, and wait until all are ready, and for the word."""
    made = SESSION.task
    SESSION.office = office = Office(runner, made.exchanges, made.stem)
    problems = office.order(
        {
            "scenario": made.scenario.read_text(encoding="utf-8"),
            "environment": made.environment.read_text(encoding="utf-8"),
            **{key: getattr(made, key)
               for key in ("profile", "run_id", "tenant", "users", "iterations")},
        }
    )  # fmt: skip
    if problems:
        _say({"trouble": "; ".join(problems)})
        _quit(locust)
        os._exit(3)
    if options.on_order:
        _say({"ready": True})
        if not gevent.os.tp_read(0, 1):
            os._exit(0)
        gevent.spawn(_stop_when_all_over, locust, office)
        gevent.spawn(_halt_when_left_alone, runner, office)


def _stop_when_all_over(locust: Locust, office: Office) -> None:
    scheduled = SESSION.order.scheduled
    while not office.is_over():
        gevent.sleep(_PROGRESS_S)
        _say({"ended": office.ended, "scheduled": scheduled})
    for worker in office.lost():
        found = "; its recording was found" if office.recovered(worker) else ""
        _say({"trouble": f"the worker {worker.name} was lost{found}"})
    _quit(locust)


def _halt_when_left_alone(runner: MasterRunner, office: Office) -> None:
    while gevent.os.tp_read(0, 1):
        pass
    runner.send_message("halt", {"reason": "it was interrupted"})
    gevent.sleep(_GRACE_S)
    os._exit(1)


def _options(locust: Locust) -> Namespace:
    if locust.parsed_options is None:
        raise RuntimeError("this locustfile needs Locust's command line")
    options: Namespace = locust.parsed_options
    return options


def _read_task(options: Namespace) -> Task:
    if options.evidence:
        folder = RunFolder(Path(options.evidence))
        run = folder.read_run()
        run_id, tenant, exchanges = run.run_id, run.tenant, folder.exchanges
    else:
        run_id, tenant = new_run_id(datetime.now(UTC)), str(uuid4())
        exchanges = ROOT / "runs" / f"locust-{run_id}"
    return Task(
        scenario=find_scenario(options.scenario),
        environment=find_environment(options.environment),
        profile=options.profile or "",
        run_id=run_id,
        tenant=tenant,
        users=options.num_users or 1,
        iterations=options.iterations,
        stem=options.stem or "locust",
        exchanges=exchanges,
    )


def _quit(locust: Locust) -> None:
    if locust.runner:
        locust.runner.quit()


def _say(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
