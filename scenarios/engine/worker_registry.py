"""The master's view of its workers: their parts of the load, and what they have sent.

The messages on Locust's channel:

    master                                worker
      ── file_chunk ──────────────────────→   a part of a file that the scenario names
      ── assignment ──────────────────────→   scenario, size and part
      ←──────────────── assignment_reply ──   a problem, or "", and the folder it records in
      ── shared ──────────────────────────→   what the set-up saved
      ←──────────────────────────── batch ──   rows and notes, repeatedly; the last `is_last`
      ── confirmation ────────────────────→   of a batch; without it, the batch is sent again
      ←──────────────────────────── abort ──   the load has to stop itself
      ── stop_load ───────────────────────→   with the reason
"""

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
from locust.runners import STATE_MISSING, MasterRunner

from scenarios.engine.file_transfer import chunks_of, digests_of
from scenarios.engine.messages import (
    AssignmentReply,
    BatchMessage,
    MessageError,
    read_message,
)
from scenarios.evidence.recording_reader import recover as recover_recording
from scenarios.evidence.transfer import BatchError, BatchWriter

_POLL_S = 0.02
_REPLY_TIMEOUT_S = 30.0
_BYTES_PER_S = 1_000_000  # of a slow network, and to read the rows


@dataclass
class Worker:
    """A worker as the master knows it.

    `folder` is where it records, among the recordings of workers on its machine. `is_done` once its
    last batch has arrived. `ended` counts its iterations. `refusal` is why nothing is taken from it
    any more.
    """

    client_id: str
    name: str
    writer: BatchWriter
    folder: str = ""
    refusal: str = ""
    has_replied: bool = False
    problem: str = ""
    is_done: bool = False
    ended: int = 0
    dropped: int = 0


@dataclass
class WorkerRegistry:
    """Assigns the parts of a load to the workers, and writes their recordings.

    `recordings` has the folders of the workers on this machine. A worker records `max_rows`
    exchanges at most.
    """

    runner: MasterRunner
    exchanges: Path
    stem: str
    recordings: Path
    max_rows: int
    workers: dict[str, Worker] = field(default_factory=dict)

    def assign(self, task: dict[str, Any], files: Mapping[str, bytes] = {}) -> list[str]:
        """Send each worker its part of a task; return the problems of those that cannot do it.

        `files` are those that the scenario names.
        """
        task = {**task, "files": digests_of(files)}
        clients = [client.id for client in self.runner.clients.ready]
        for index, client_id in enumerate(clients):
            name = f"{self.stem}-w{index + 1}"
            writer = BatchWriter(self.exchanges / f"{name}.jsonl", self.max_rows)
            self.workers[client_id] = Worker(client_id, name, writer)
            for message in chunks_of(files):
                self.runner.send_message("file_chunk", message, client_id)
            part = {"generator": name, "index": index, "of": len(clients)}
            self.runner.send_message("assignment", {**task, **part}, client_id)
        timeout_s = _REPLY_TIMEOUT_S + len(clients) * sum(map(len, files.values())) / _BYTES_PER_S
        deadline = time.monotonic() + timeout_s
        while not all(worker.has_replied for worker in self.workers.values()):
            if time.monotonic() > deadline:
                return [f"a worker did not reply within {timeout_s:.0f} s"]
            gevent.sleep(_POLL_S)
        return [worker.problem for worker in self.workers.values() if worker.problem]

    def share(self, variables: dict[str, Any]) -> None:
        """Send the workers what the set-up saved; the load starts after it."""
        for client_id in self.workers if variables else ():
            self.runner.send_message("shared", {"variables": json.dumps(variables)}, client_id)

    def take_reply(self, client_id: str, data: Any) -> None:
        """Note whether a worker can do its part, and where it records."""
        worker = self.workers.get(client_id)
        if worker is None or worker.has_replied:
            return
        try:
            reply = read_message(AssignmentReply, data)
            worker.problem, worker.folder = reply.problem, reply.folder
        except MessageError as error:
            worker.problem = f"{client_id}: its reply is not understood ({error}); same version?"
        worker.has_replied = True

    def take_batch(self, client_id: str, data: Any) -> None:
        """Write a batch of a worker, and confirm it; refuse a worker whose batch cannot be."""
        worker = self.workers.get(client_id)
        if worker is None or worker.refusal:
            return
        try:
            batch = read_message(BatchMessage, data)
            if not worker.writer.write(batch.model_dump()):
                return
        except (MessageError, BatchError) as error:
            worker.refusal = f"a batch was refused: {error}"
            return
        worker.ended, worker.dropped = batch.ended, batch.dropped
        worker.is_done = worker.is_done or batch.is_last
        # also of a repeated batch: the first confirmation may be lost
        self.runner.send_message("confirmation", {"batch": worker.writer.received}, client_id)

    def lost(self) -> list[Worker]:
        """Return the workers that are gone, or were refused, before their last batch."""
        connected = {
            client.id for client in self.runner.clients.all if client.state != STATE_MISSING
        }
        return [
            worker
            for client_id, worker in self.workers.items()
            if not worker.is_done and (worker.refusal or client_id not in connected)
        ]

    def recover(self, worker: Worker) -> bool:
        """Copy the recording of a lost worker of this machine; return whether it was there."""
        if not worker.folder or worker.refusal:
            return False
        folder = self.recordings / worker.folder  # a name, not a path: it cannot lead elsewhere
        if not recover_recording(folder / f"{worker.name}.jsonl", worker.writer.path):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return True

    @property
    def dropped(self) -> int:
        """The number of iterations that were dropped so far."""
        return sum(worker.dropped for worker in self.workers.values())

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
