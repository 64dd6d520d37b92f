"""The role of a process that divides a load among Locust's workers."""

import os
import sys
from argparse import Namespace
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner

from config.errors import ConfigError, Problem
from scenarios.engine import parent_channel
from scenarios.engine.load_runner import LoadRunner
from scenarios.engine.load_task import NEEDS_RUN, RUNS, digest_of, read_task
from scenarios.engine.messages import LearnedMessage, StopMessage, read_message
from scenarios.engine.plain_run import PlainRun, open_plain_run
from scenarios.engine.worker_registry import WorkerRegistry
from scenarios.evidence.recording import Stop, StopReason

_TASK_FIELDS = ("profile", "run_id", "tenant", "users", "iterations", "rate_per_s",
                "duration_s")  # fmt: skip
_REFUSED = 3
_BEFORE_LOCUST_S = 0.5
_LAST_BATCHES_S = 30.0


class MasterRole:
    """Assigns the parts of a load, and collects the recordings; drives no users itself."""

    load_runner: LoadRunner | None = None
    _registry: WorkerRegistry | None = None
    _plain_run: PlainRun | None = None

    def __init__(self, runner: MasterRunner, options: Namespace) -> None:
        """Read the task, and listen to the workers. Raises ConfigError."""
        self._runner = runner
        self._options = options
        self._task = read_task(options)
        assignment = self._task.make_assignment()
        self._scheduled = assignment.scheduled
        iterations = assignment.max_iterations if self._scheduled is None else self._scheduled
        flow = assignment.flow
        self._max_rows = iterations * flow.extent.most_exchanges
        self._max_rows += self._task.users * flow.user_setup.extent.most_exchanges
        if not options.on_order and (flow.setup or flow.teardown):
            raise ConfigError(Problem(self._task.scenario, None, NEEDS_RUN))
        for name in ("assignment_reply", "batch", "abort", "learned"):
            runner.register_message(name, self._handle)
        if options.on_order and options.expect_workers_max_wait:
            gevent.spawn(self._refuse_without_workers)

    def begin(self) -> None:
        """Assign the parts, wait until all workers are ready, and wait for the start."""
        if not self._options.on_order:
            self._task = read_task(self._options)  # Locust's web page may have changed it
            if not self._options.evidence:
                self._plain_run = open_plain_run(self._task, sys.argv[1:])
        recordings = (Path(self._options.evidence) if self._options.evidence else RUNS) / "workers"
        self._registry = registry = WorkerRegistry(
            self._runner, self._task.exchanges, self._task.stem, recordings, self._max_rows
        )
        files = {
            "scenario": self._task.scenario.read_text(encoding="utf-8"),
            "variables": self._task.read_variables(),
            "environment_sha256": digest_of(self._task.environment),
        }
        problems = registry.assign(
            {
                **files,
                **{key: getattr(self._task, key) for key in _TASK_FIELDS},
                "earlier": list(self._task.earlier),
            },
            self._task.read_files(),
        )
        if problems:
            self._refuse("; ".join(problems))
        if self._options.on_order:
            registry.share(parent_channel.wait_for_start())
            gevent.spawn(self._stop_when_over, registry)
            interrupt = partial(self._stop_workers, Stop(StopReason.INTERRUPTED, "interrupted"))
            gevent.spawn(parent_channel.wait_for_parent_exit, interrupt, interrupt)

    def end(self) -> None:
        """Stop the workers, and wait for their last batches, which Locust itself does not."""
        registry = self._registry
        if registry and not registry.is_over():
            self._stop_workers(Stop(StopReason.INTERRUPTED, "stopped in Locust"))
            registry.wait_for_end(_LAST_BATCHES_S)
        if self._plain_run:
            self._plain_run.end()
            self._plain_run = None

    def _refuse_without_workers(self) -> None:
        """Report missing workers just before Locust's own timeout, which reports nothing."""
        timeout_s = self._options.expect_workers_max_wait
        gevent.sleep(timeout_s - _BEFORE_LOCUST_S)
        if self._registry is None:
            ready, expected = len(self._runner.clients.ready), self._options.expect_workers
            self._refuse(f"{ready:,} of {expected:,} workers connected within {timeout_s:,} s")

    def _refuse(self, error: str) -> None:
        parent_channel.report(error=error)
        self._runner.quit()
        os._exit(_REFUSED)

    def _handle(self, environment: Environment, msg: Any) -> None:  # Locust's keywords
        if msg.type == "abort":
            self._stop_workers(read_message(StopMessage, msg.data).to_stop())
        elif msg.type == "learned":
            parent_channel.report(learned=read_message(LearnedMessage, msg.data).secrets)
        elif self._registry and msg.type == "assignment_reply":
            self._registry.take_reply(msg.node_id, msg.data)
        elif self._registry:
            self._registry.take_batch(msg.node_id, msg.data)

    def _stop_when_over(self, registry: WorkerRegistry) -> None:
        while not registry.is_over():
            gevent.sleep(parent_channel.PROGRESS_S)
            parent_channel.report(
                ended=registry.ended, scheduled=self._scheduled, dropped=registry.dropped
            )
        for worker in registry.lost():
            found = "; its recording was recovered" if registry.recover(worker) else ""
            refusal = f"{worker.refusal}; " * bool(worker.refusal)
            parent_channel.report(error=f"{refusal}the worker {worker.name} was lost{found}")
        self._runner.quit()

    def _stop_workers(self, stop: Stop) -> None:
        self._runner.send_message("stop_load", asdict(stop))
