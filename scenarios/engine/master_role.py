"""How does a process share a load out over Locust's workers?"""

import os
import sys
from argparse import Namespace
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from scenarios.engine import parent_channel
from scenarios.engine.load_runner import Driving
from scenarios.engine.load_task import read_task
from scenarios.engine.worker_registry import Office

_GIVEN = ("profile", "run_id", "tenant", "users", "iterations")
_REFUSED = 3
_EARLIER_S = 0.5
_REST_S = 30.0


class AsMaster:
    """Tells the workers their parts, and keeps what they record; drives nothing itself."""

    driving: Driving | None = None
    _office: Office | None = None

    def __init__(self, runner: MasterRunner, options: Namespace) -> None:
        """Read all that can be wrong, and listen to the workers. Raises ConfigError."""
        self._runner = runner
        self._options = options
        self._task = read_task(options)
        self._scheduled = self._task.order().scheduled
        for name in ("ordered", "batch", "collapse"):
            runner.register_message(name, self._hear)
        if options.on_order and options.expect_workers_max_wait:
            gevent.spawn(self._bound_the_wait)

    def begin(self) -> None:
        """Give each worker its part, and wait until all are ready, and for the word."""
        if not self._options.on_order:
            self._task = read_task(self._options)  # the page may have changed it
            self._task.exchanges.mkdir(parents=True, exist_ok=True)
            print(f"recording to {self._task.exchanges}", file=sys.stderr, flush=True)
        self._office = office = Office(self._runner, self._task.exchanges, self._task.stem)
        files = {name: getattr(self._task, name).read_text(encoding="utf-8")
                 for name in ("scenario", "environment")}  # fmt: skip
        problems = office.order({**files, **{key: getattr(self._task, key) for key in _GIVEN}})
        if problems:
            self._refuse("; ".join(problems))
        if self._options.on_order:
            parent_channel.await_word()
            gevent.spawn(self._stop_when_over, office)
            gevent.spawn(parent_channel.when_left_alone, self._halt)

    def end(self) -> None:
        """Have the workers record the end, and wait for what they bring: Locust itself does not."""
        office = self._office
        if office and not office.is_over():
            self._runner.send_message("halt", {"reason": "it was stopped"})
            office.await_end(_REST_S)

    def _bound_the_wait(self) -> None:
        """Refuse to begin when workers do not come; Locust's own end of patience has no words."""
        patience_s = self._options.expect_workers_max_wait
        gevent.sleep(patience_s - _EARLIER_S)
        if self._office is None:
            there, expected = len(self._runner.clients.ready), self._options.expect_workers
            self._refuse(f"{there:,} of {expected:,} workers came within {patience_s:,} s")

    def _refuse(self, trouble: str) -> None:
        parent_channel.say(trouble=trouble)
        self._runner.quit()
        os._exit(_REFUSED)

    def _hear(self, environment: Environment, msg: Any) -> None:
        if msg.type == "collapse":
            self._runner.send_message("halt", {"reason": msg.data["reason"]})
        elif self._office and msg.type == "ordered":
            self._office.ordered(msg.node_id, msg.data)
        elif self._office:
            self._office.keep(msg.node_id, msg.data)

    def _stop_when_over(self, office: Office) -> None:
        while not office.is_over():
            gevent.sleep(parent_channel.PROGRESS_S)
            parent_channel.say(ended=office.ended, scheduled=self._scheduled)
        for worker in office.lost():
            found = "; its recording was found" if office.recovered(worker) else ""
            parent_channel.say(trouble=f"the worker {worker.name} was lost{found}")
        self._runner.quit()

    def _halt(self) -> None:
        self._runner.send_message("halt", {"reason": "it was interrupted"})
