"""Is each service there, from moment to moment? Probes of its health, written down as they come.

A file a service, `evidence/probes/SERVICE.jsonl`: a line a probe, `[sent, done, trouble]`, in epoch
seconds. Every line reaches the operating system at once, so a killed watch loses none.
"""

import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import httpx
import msgspec

from config.environment import Environment
from config.secrets import blot_out
from scenarios.http.transport import open_client

# A health that takes longer is no health: who calls would give up.
TIMEOUT_S = 1.0
# While a service is away it is asked more often, to see it return.
_AWAY_PACE_S = 0.2
_HEAD = 200


@dataclass(frozen=True, slots=True)
class Probe:
    """One look at a service's health: when, in epoch seconds, and why it was none, or ""."""

    sent_at: float
    done_at: float
    trouble: str = ""


class Prober:
    """Looks at one service, again and again, and writes down what it saw."""

    def __init__(self, environment: Environment, name: str, folder: Path) -> None:
        """Look at nothing yet. Raises OSError where nothing can be written."""
        service = environment.services[name]
        self._url = service.url + service.health
        self._secrets = environment.secrets()
        # A connection a probe: one that a restart has closed would tell of an outage that is over.
        self._client = open_client(environment.network, TIMEOUT_S, kept=0)
        self._path = probes_path(folder, name)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _end_torn_line(self._path)

    def look(self) -> Probe:
        """Look once, and write it down."""
        sent_at, began_s = time.time(), time.monotonic()
        trouble = self._trouble()
        probe = Probe(sent_at, sent_at + time.monotonic() - began_s, trouble)
        with self._path.open("a", encoding="utf-8") as file:
            line = [round(probe.sent_at, 4), round(probe.done_at, 4), probe.trouble]
            file.write(json.dumps(line) + "\n")
        return probe

    def go_on(self, every_s: float, over: Event) -> None:
        """Look again and again, by the clock, until it is over."""
        due_s = time.monotonic()
        while not over.is_set():
            is_away = bool(self.look().trouble)
            pace_s = min(_AWAY_PACE_S, every_s) if is_away else every_s
            due_s = max(due_s + pace_s, time.monotonic())
            over.wait(max(0.0, due_s - time.monotonic()))

    def close(self) -> None:
        """Look no more."""
        self._client.close()

    def _trouble(self) -> str:
        try:
            answer = self._client.get(self._url)
        except httpx.TimeoutException:
            return f"no answer within {TIMEOUT_S:g} s"
        except (httpx.HTTPError, OSError) as error:
            return blot_out(str(error) or type(error).__name__, self._secrets)[:_HEAD]
        return "" if answer.status_code == httpx.codes.OK else f"status {answer.status_code}"


@contextmanager
def probers(environment: Environment, folder: Path) -> Iterator[list[Prober]]:
    """Have a prober for each service."""
    made = [Prober(environment, name, folder) for name in environment.services]
    try:
        yield made
    finally:
        for each in made:
            each.close()


@contextmanager
def probing(made: Iterable[Prober], every_s: float) -> Iterator[Event]:
    """Probe within the block, each service in a thread of its own.

    The event that is yielded is set when one could not go on; its error is raised at the end.
    """
    over, probers = Event(), list(made)
    with ThreadPoolExecutor(len(probers)) as threads:
        futures = [threads.submit(each.go_on, every_s, over) for each in probers]
        for future in futures:
            future.add_done_callback(lambda _: over.set())
        try:
            yield over
        finally:
            over.set()
        for future in futures:
            future.result()


def probes_path(folder: Path, name: str) -> Path:
    """Return where the probes of a service lie in a folder of evidence."""
    return folder / "probes" / f"{name}.jsonl"


def read_probes(path: Path) -> list[Probe]:
    """Read the probes of a service in order of time; a torn line is left out."""
    read = msgspec.json.Decoder(tuple[float, float, str])
    probes = []
    try:
        with path.open("rb") as file:
            for line in file:
                try:
                    probes.append(Probe(*read.decode(line)))
                except msgspec.DecodeError:
                    continue
    except FileNotFoundError:
        return []
    return sorted(probes, key=lambda each: each.sent_at)


def _end_torn_line(path: Path) -> None:
    """What a killed watch left unfinished must not swallow the first line of the next."""
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
