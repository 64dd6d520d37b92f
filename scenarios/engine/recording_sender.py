"""How does what a worker records reach the master? In batches over Locust's channel."""

import time
from typing import Any

import gevent
import numpy as np
from locust.env import Environment
from locust.runners import WorkerRunner

from scenarios.driver.load_state import Load
from scenarios.engine.locust_statistics import show
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.transfer import Outbox

SHIP_S, FAREWELL_S = 0.25, 30.0

_AGAIN_S = 3.0


class Courier:
    """Brings a worker's recording to the master."""

    def __init__(self, locust: Environment, runner: WorkerRunner, load: Load) -> None:
        """Begin with nothing sent."""
        self._locust = locust
        self._runner = runner
        self._load = load
        self._outbox = Outbox(load.recorder)
        self._sent_at = time.monotonic()

    def ship(self) -> None:
        """Send what is new, and again what was not confirmed for long."""
        if self._outbox.has_room:
            self._send_fresh()
        if not self._outbox.is_empty and time.monotonic() - self._sent_at > _AGAIN_S:
            self._send(self._outbox.unconfirmed())

    def confirm(self, number: int) -> None:
        """Take note that a batch has arrived."""
        self._outbox.confirm(number)
        self._sent_at = time.monotonic()

    def finish(self) -> None:
        """Send the rest; the load is closed by now."""
        self._send_fresh(over=True)

    def await_confirmation(self, most_s: float = FAREWELL_S) -> bool:
        """Wait until all has arrived; tell whether it has."""
        deadline = time.monotonic() + most_s
        while not self._outbox.is_empty and time.monotonic() < deadline:
            gevent.sleep(SHIP_S / 10)
            if time.monotonic() - self._sent_at > _AGAIN_S:
                self._send(self._outbox.unconfirmed())
        return self._outbox.is_empty

    def _send_fresh(self, **more: Any) -> None:
        batches = list(self._outbox.fresh(**more))
        for batch in batches:
            show(self._locust, self._load, np.frombuffer(batch["rows"], ROW))
        self._send(batches)

    def _send(self, batches: list[dict[str, Any]]) -> None:
        for batch in batches:
            self._runner.send_message("batch", {**batch, "ended": self._load.ended})
        if batches:
            self._sent_at = time.monotonic()
