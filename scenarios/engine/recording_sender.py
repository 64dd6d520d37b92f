"""Send a worker's recording to the master in batches over Locust's channel."""

import time
from typing import Any

import gevent
import numpy as np
from locust.env import Environment
from locust.runners import WorkerRunner

from scenarios.driver.load_state import Load
from scenarios.engine.locust_statistics import add_rows
from scenarios.engine.messages import MAX_SECRET, MAX_SECRETS
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.transfer import BatchQueue

SEND_INTERVAL_S, CONFIRMATION_TIMEOUT_S = 0.25, 30.0

_RESEND_S = 3.0


class RecordingSender:
    """Sends a worker's recording, and sends again what is not confirmed."""

    def __init__(self, locust: Environment, runner: WorkerRunner, load: Load) -> None:
        """Start at the beginning of the recording."""
        self._locust = locust
        self._runner = runner
        self._load = load
        self._queue = BatchQueue(load.recorder)
        self._sent_at = time.monotonic()

    def send(self) -> None:
        """Send what is new, and again what was not confirmed in time."""
        if self._queue.has_room:
            self._send_new()
        if not self._queue.is_empty and time.monotonic() - self._sent_at > _RESEND_S:
            self._send_batches(self._queue.unconfirmed())

    def confirm(self, number: int) -> None:
        """Note that the master has a batch and those before it."""
        self._queue.confirm(number)
        self._sent_at = time.monotonic()

    def send_last(self) -> None:
        """Send the rest, marked as the last; the load is closed by now.

        Before it come the secrets that were learned: with the last batch, the load is over.
        """
        learned = self._load.assignment.flow.secrets.learned[-MAX_SECRETS:]
        secrets = [secret for secret in learned if len(secret) <= MAX_SECRET]
        self._runner.send_message("learned", {"secrets": secrets})
        self._send_new(is_last=True)

    def wait_for_confirmation(self, timeout_s: float = CONFIRMATION_TIMEOUT_S) -> bool:
        """Wait until everything is confirmed; return whether it is."""
        deadline = time.monotonic() + timeout_s
        while not self._queue.is_empty and time.monotonic() < deadline:
            gevent.sleep(SEND_INTERVAL_S / 10)
            if time.monotonic() - self._sent_at > _RESEND_S:
                self._send_batches(self._queue.unconfirmed())
        return self._queue.is_empty

    def _send_new(self, **fields: Any) -> None:
        batches = list(self._queue.make_batches(**fields))
        for batch in batches:
            add_rows(self._locust, self._load, np.frombuffer(batch["rows"], ROW))
        self._send_batches(batches)

    def _send_batches(self, batches: list[dict[str, Any]]) -> None:
        for batch in batches:
            self._runner.send_message(
                "batch", {**batch, "ended": self._load.ended, "dropped": self._load.dropped}
            )
        if batches:
            self._sent_at = time.monotonic()
