"""What does the master of a load know of its workers? Their parts, and what they brought.

Over Locust's own channel: the master tells each worker its part (`order`), and each says whether it
can (`ordered`). What a worker records comes in batches (`batch`), each confirmed (`kept`) or sent
again; the last one says that it is `over`. A worker may report a `collapse`; `halt` ends a load
early.
"""

import platform
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from locust.runners import STATE_MISSING, MasterRunner

from scenarios.evidence.recording import recover
from scenarios.evidence.transfer import Inbox

_LOOK_S = 0.02
_ORDERED_S = 30.0


@dataclass
class Worker:
    """A worker as the master knows it."""

    client_id: str
    name: str
    inbox: Inbox
    recording: Path = Path()
    is_here: bool = False
    ordered: bool = False
    problem: str = ""
    over: bool = False
    ended: int = 0


@dataclass
class Office:
    """Tells the workers their parts, and keeps what they bring."""

    runner: MasterRunner
    exchanges: Path
    stem: str
    workers: dict[str, Worker] = field(default_factory=dict)

    def order(self, what: dict[str, Any]) -> list[str]:
        """Tell each worker its part; return why some cannot."""
        clients = [each.id for each in self.runner.clients.ready]
        for index, client_id in enumerate(clients):
            name = f"{self.stem}-w{index + 1}"
            inbox = Inbox(self.exchanges / f"{name}.jsonl")
            self.workers[client_id] = Worker(client_id, name, inbox)
            part = {"generator": name, "index": index, "of": len(clients)}
            self.runner.send_message("order", {**what, **part}, client_id)
        deadline = time.monotonic() + _ORDERED_S
        while not all(each.ordered for each in self.workers.values()):
            if time.monotonic() > deadline:
                return ["a worker did not take its order"]
            gevent.sleep(_LOOK_S)
        return [each.problem for each in self.workers.values() if each.problem]

    def ordered(self, client_id: str, told: dict[str, Any]) -> None:
        """Take note of whether a worker can do its part, and where it records."""
        worker = self.workers.get(client_id)
        if worker:
            worker.ordered, worker.problem = True, told["problem"]
            worker.recording = Path(told["folder"]) / f"{worker.name}.jsonl"
            worker.is_here = told["machine"] == platform.node()

    def keep(self, client_id: str, batch: dict[str, Any]) -> None:
        """Write what a worker brings, and confirm it."""
        worker = self.workers.get(client_id)
        if worker is None or not worker.inbox.take(batch):
            return
        worker.ended = batch["ended"]
        worker.over = worker.over or bool(batch.get("over"))
        self.runner.send_message("kept", {"batch": worker.inbox.received}, client_id)

    def lost(self) -> list[Worker]:
        """Return the workers that went away before they were over."""
        there = {each.id for each in self.runner.clients.all if each.state != STATE_MISSING}
        return [
            worker
            for client_id, worker in self.workers.items()
            if not worker.over and client_id not in there
        ]

    def recovered(self, worker: Worker) -> bool:
        """Take over what a lost worker of this machine has recorded; tell whether it was there."""
        found = worker.is_here and recover(worker.recording, worker.inbox.path)
        if found:
            shutil.rmtree(worker.recording.parent, ignore_errors=True)
        return found

    @property
    def ended(self) -> int:
        """How many iterations have ended so far."""
        return sum(each.ended for each in self.workers.values())

    def is_over(self) -> bool:
        """Tell whether every worker is over, or lost."""
        waiting = [each for each in self.workers.values() if not each.over]
        return len(waiting) == len(self.lost())

    def await_end(self, most_s: float) -> None:
        """Wait until it is over, so long at most."""
        deadline = time.monotonic() + most_s
        while not self.is_over() and time.monotonic() < deadline:
            gevent.sleep(_LOOK_S)
