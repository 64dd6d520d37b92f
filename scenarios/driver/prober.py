"""Probe the health of each service at an interval, and record each probe at once."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Event

from config.clock import CLOCK
from config.environment import Environment
from config.redaction import Secrets, redact
from config.services import NONE
from scenarios.evidence.files import make_folder, open_to_append
from scenarios.evidence.probes import TIMEOUT_S, Probe, probes_path
from scenarios.http.fetch import FetchFailed, ResponseLate, fetch
from scenarios.http.transport import open_client

# A service that is down is probed more often, to see it return.
_DOWN_INTERVAL_S = 0.2
_MAX_CHARACTERS = 200
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class StateChange:
    """A service went down, or came up again: then `error` is "".

    `at` is when the probe that shows it was sent (epoch seconds); `down_s` how long it was down.
    """

    service: str
    at: float
    error: str
    down_s: float = 0.0


OnChange = Callable[[StateChange], None]


def _ignore(_: StateChange) -> None:
    """Tell nobody."""


class Prober:
    """Probes one service, records each probe, and calls `on_change` when it goes down or up."""

    def __init__(
        self, environment: Environment, name: str, folder: Path, secrets: Iterable[str] = (),
        on_change: OnChange = _ignore,
    ) -> None:  # fmt: skip
        """Send nothing yet. Raises OSError where nothing can be written."""
        service = environment.services[name]
        self._name, self._on_change = name, on_change
        self._down_since: float | None = None
        self._url = service.url + service.health_path
        self._is_any_status_well = service.health == NONE
        self._secrets = secrets or Secrets.of_process(environment.secrets())
        # One connection per probe: one that a restart has closed would show an outage that is over.
        self._client = open_client(
            environment.network, TIMEOUT_S, kept=0, max_bytes=_MAX_BYTES,
            certificate=service.auth.certificate,
        )  # fmt: skip
        self._path = probes_path(folder, name)
        make_folder(self._path.parent)
        # end a line that a killed watch left unfinished, so that the next one is a line of its own
        with open_to_append(self._path) as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def probe(self) -> Probe:
        """Probe once, and record it."""
        sent_at, began_s = CLOCK.now_at(), time.monotonic()
        error = self._error()
        probe = Probe(sent_at, sent_at + time.monotonic() - began_s, error)
        with open_to_append(self._path) as file:
            line = [round(probe.sent_at, 4), round(probe.done_at, 4), probe.error]
            file.write(json.dumps(line).encode() + b"\n")
        self._report_change(probe)
        return probe

    def _report_change(self, probe: Probe) -> None:
        since_at = self._down_since
        if probe.error and since_at is None:
            self._down_since = probe.sent_at
            self._on_change(StateChange(self._name, probe.sent_at, probe.error))
        elif not probe.error and since_at is not None:
            self._down_since = None
            self._on_change(StateChange(self._name, probe.sent_at, "", probe.sent_at - since_at))

    def probe_until(self, every_s: float, stopped: Event) -> None:
        """Probe at an interval until the event is set."""
        # A probe that takes longer than the interval delays all that follow; none is caught up:
        #     probes   ├─┤      ├────────────┤├─┤      ├─┤
        #     due      │        │        ✕    │        │        ✕: missed, and left out
        due_s = time.monotonic()
        while not stopped.is_set():
            is_down = bool(self.probe().error)
            interval_s = min(_DOWN_INTERVAL_S, every_s) if is_down else every_s
            due_s = max(due_s + interval_s, time.monotonic())
            stopped.wait(max(0.0, due_s - time.monotonic()))

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _error(self) -> str:
        try:
            response = fetch(self._client, self._url)
        except ResponseLate:
            return f"no response within {TIMEOUT_S:g} s"
        except (FetchFailed, OSError) as error:
            return redact(str(error) or type(error).__name__, self._secrets, _MAX_CHARACTERS)
        is_well = self._is_any_status_well or response.status == HTTPStatus.OK
        return "" if is_well else f"status {response.status}"


@contextmanager
def probers(
    environment: Environment, folder: Path, secrets: Iterable[str] = (),
    on_change: OnChange = _ignore,
) -> Iterator[list[Prober]]:  # fmt: skip
    """Open a prober per service; `on_change` is called in its thread."""
    opened = [
        Prober(environment, name, folder, secrets, on_change) for name in environment.services
    ]
    try:
        yield opened
    finally:
        for prober in opened:
            prober.close()


@contextmanager
def probing(probers: Iterable[Prober], every_s: float) -> Iterator[Event]:
    """Probe during the block, each service in a thread of its own.

    The event that is yielded is set when a prober fails; its error is raised at the end.
    """
    stopped, in_use = Event(), list(probers)
    with ThreadPoolExecutor(len(in_use)) as threads:
        futures = [threads.submit(prober.probe_until, every_s, stopped) for prober in in_use]
        for future in futures:
            future.add_done_callback(lambda _: stopped.set())
        try:
            yield stopped
        finally:
            stopped.set()
        for future in futures:
            future.result()
