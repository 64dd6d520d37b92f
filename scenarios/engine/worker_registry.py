"""The master's view of its workers: their parts of the load, and what they have sent.

The messages on Locust's channel:

    master                                worker
      ── assignment ──────────────────────→   scenario, environment, size and part
      ←──────────────── assignment_reply ──   a problem, or "", and where it records
      ←──────────────────────────── batch ──   rows and notes, repeatedly; the last `is_last`
      ── confirmation ────────────────────→   of a batch; without it, the batch is sent again
      ←──────────────────────────── abort ──   the load has to stop itself
      ── stop_load ───────────────────────→   with the reason
"""

import os
import platform
import shutil
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from locust.runners import STATE_MISSING, MasterRunner

from scenarios.evidence.recording import recover as recover_recording
from scenarios.evidence.transfer import BatchWriter

FOLDER_PREFIX = "trial-balance-"

_POLL_S = 0.02
_REPLY_TIMEOUT_S = 30.0


@dataclass
class Worker:
    """A worker as the master knows it.

    `recording` is the path on the worker's machine, which is this one if `is_local`. `is_done` once
    its last batch has arrived. `ended` counts its iterations.
    """

    client_id: str
    name: str
    writer: BatchWriter
    recording: Path = Path()
    is_local: bool = False
    has_replied: bool = False
    problem: str = ""
    is_done: bool = False
    ended: int = 0


@dataclass
class WorkerRegistry:
    """Assigns the parts of a load to the workers, and writes their recordings."""

    runner: MasterRunner
    exchanges: Path
    stem: str
    workers: dict[str, Worker] = field(default_factory=dict)

    def assign(self, task: dict[str, Any]) -> list[str]:
        """Send each worker its part of a task; return the problems of those that cannot do it."""
        clients = [client.id for client in self.runner.clients.ready]
        for index, client_id in enumerate(clients):
            name = f"{self.stem}-w{index + 1}"
            writer = BatchWriter(self.exchanges / f"{name}.jsonl")
            self.workers[client_id] = Worker(client_id, name, writer)
            part = {"generator": name, "index": index, "of": len(clients)}
            self.runner.send_message("assignment", {**task, **part}, client_id)
        deadline = time.monotonic() + _REPLY_TIMEOUT_S
        while not all(worker.has_replied for worker in self.workers.values()):
            if time.monotonic() > deadline:
                return [f"a worker did not reply within {_REPLY_TIMEOUT_S:g} s"]
            gevent.sleep(_POLL_S)
        return [worker.problem for worker in self.workers.values() if worker.problem]

    def take_reply(self, client_id: str, reply: dict[str, Any]) -> None:
        """Note whether a worker can do its part, and where it records."""
        worker = self.workers.get(client_id)
        if worker:
            worker.has_replied, worker.problem = True, str(reply.get("problem", "it sent no reply"))
            worker.recording = Path(str(reply.get("folder", ""))) / f"{worker.name}.jsonl"
            worker.is_local = reply.get("machine") == platform.node()

    def take_batch(self, client_id: str, batch: dict[str, Any]) -> None:
        """Write a batch of a worker, and confirm it."""
        worker = self.workers.get(client_id)
        if worker is None or not worker.writer.write(batch):
            return
        worker.ended = max(worker.ended, int(batch.get("ended") or 0))
        worker.is_done = worker.is_done or bool(batch.get("is_last"))
        # also of a repeated batch: the first confirmation may be lost
        self.runner.send_message("confirmation", {"batch": worker.writer.received}, client_id)

    def lost(self) -> list[Worker]:
        """Return the workers that are gone before their last batch."""
        connected = {
            client.id for client in self.runner.clients.all if client.state != STATE_MISSING
        }
        return [
            worker
            for client_id, worker in self.workers.items()
            if not worker.is_done and client_id not in connected
        ]

    def recover(self, worker: Worker) -> bool:
        """Copy the recording of a lost worker of this machine; return whether it was there."""
        folder = worker.recording.parent
        # the path was sent by the worker: it may be any
        if not (worker.is_local and is_worker_folder(folder)):
            return False
        found = recover_recording(worker.recording, worker.writer.path)
        if found:
            shutil.rmtree(folder, ignore_errors=True)
        return found

    @property
    def ended(self) -> int:
        """The number of iterations that have ended so far."""
        return sum(worker.ended for worker in self.workers.values())

    def is_over(self) -> bool:
        """Return whether every worker is done or lost."""
        running = [worker for worker in self.workers.values() if not worker.is_done]
        return len(running) == len(self.lost())

    def wait_for_end(self, timeout_s: float) -> None:
        """Wait until the load is over, or the timeout passes."""
        deadline = time.monotonic() + timeout_s
        while not self.is_over() and time.monotonic() < deadline:
            gevent.sleep(_POLL_S)


def is_worker_folder(path: Path) -> bool:
    """Return whether a path is that of a folder that a worker of this user made for a recording."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
    return is_own and path.name.startswith(FOLDER_PREFIX)
