"""What did one generator do? Its exchanges as they happen, the intent before each is sent.

A file is JSON lines: `start`, then an `intent` and an `outcome` an exchange, then `end`. Every line
reaches the operating system at once, so a killed generator loses none.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from scenarios.evidence import read_lines
from scenarios.exchange import CUT_OFF, Exchange, Outcome


@dataclass(frozen=True, slots=True)
class Start:
    """A generator's first line. `anchor_at` is the wall clock (epoch seconds) at its time 0."""

    generator: str
    profile: str
    users: int
    scheduled: int | None
    anchor_at: float


@dataclass(frozen=True, slots=True)
class End:
    """A generator's last line: how many iterations it began and dropped, and how it fared.

    CPU and wall are seconds of the measured window; the loop delay is the event loop's worst, in
    seconds.
    """

    started: int
    dropped: int
    cpu_s: float
    wall_s: float
    loop_delay_max_s: float | None = None


@dataclass(frozen=True)
class Recording:
    """All that one generator left. Without an `end` it was killed or is still at it.

    `unconcluded` counts the intents without an outcome. `details` holds, by sequence, what is kept
    of an exchange that was not ok: request and answer.
    """

    start: Start
    exchanges: tuple[Exchange, ...]
    end: End | None
    details: dict[int, dict[str, Any]]
    unconcluded: int = 0


class Recorder:
    """Writes one generator's recording, and is its clock."""

    def __init__(self, path: Path, generator: str, profile: str, users: int,
                 scheduled: int | None) -> None:  # fmt: skip
        """Open the file and fix the anchor. Raises OSError."""
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._zero = time.monotonic()
        self._sequence = 0
        self.generator = generator
        self._write("start", asdict(Start(generator, profile, users, scheduled, time.time())))

    def now_s(self) -> float:
        """Return seconds since the anchor."""
        return time.monotonic() - self._zero

    def intend(self, iteration: int, step: str, due_s: float) -> int:
        """Record that a request is about to be sent; return its sequence number."""
        self._sequence += 1
        intent = {"n": self._sequence, "iteration": iteration, "step": step, "due_s": due_s}
        self._write("intent", {**intent, "at_s": self.now_s()})
        return self._sequence

    def conclude(self, exchange: Exchange, detail: dict[str, Any] | None = None) -> None:
        """Record what came of a request; `detail` where it was not as expected."""
        record = {
            "n": exchange.sequence,
            "sent_s": exchange.sent_s,
            "done_s": exchange.done_s,
            "outcome": exchange.outcome,
            "status": exchange.status,
        }
        if exchange.reason:
            record |= {"reason": exchange.reason, "detail": detail}
        self._write("outcome", record)

    def end(self, end: End) -> None:
        """Record that the generator ended by itself, and close the file."""
        self._write("end", asdict(end))
        self._file.close()

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        self._file.write(json.dumps({"kind": kind, **record}) + "\n")


def read_recordings(exchanges: Path, stem: str) -> tuple[Recording, ...]:
    """Read all generators' recordings of a phase, in the order of their names."""
    read = (read_recording(path) for path in sorted(exchanges.glob(f"{stem}.jsonl")))
    return tuple(recording for recording in read if recording is not None)


def read_recording(path: Path) -> Recording | None:
    """Read one recording; None where it broke off before its first line.

    An intent without an outcome becomes an unknown exchange that lasted to the end of the file.
    """
    lines = list(read_lines(path))
    if not lines:
        return None
    start = Start(**_without_kind(lines[0]))
    intents = {line["n"]: line for line in lines if line["kind"] == "intent"}
    outcomes = {line["n"]: line for line in lines if line["kind"] == "outcome"}
    last_s = max((_last_time(line) for line in lines[1:]), default=0.0)
    exchanges = tuple(
        _exchange(start.generator, intent, outcomes.get(n), last_s) for n, intent in intents.items()
    )
    ends = [End(**_without_kind(line)) for line in lines if line["kind"] == "end"]
    details = {n: line["detail"] or {} for n, line in outcomes.items() if "detail" in line}
    unconcluded = len(intents.keys() - outcomes.keys())
    return Recording(start, exchanges, ends[0] if ends else None, details, unconcluded)


def _exchange(
    generator: str, intent: dict[str, Any], outcome: dict[str, Any] | None, last_s: float
) -> Exchange:
    begun = Exchange(
        generator=generator,
        sequence=intent["n"],
        iteration=intent["iteration"],
        step=intent["step"],
        due_s=intent["due_s"],
        sent_s=intent["at_s"],
        done_s=max(last_s, intent["at_s"]),
        outcome=Outcome.UNKNOWN,
        reason=CUT_OFF,
    )
    if outcome is None:
        return begun
    return replace(
        begun,
        sent_s=outcome["sent_s"],
        done_s=outcome["done_s"],
        outcome=Outcome(outcome["outcome"]),
        status=outcome["status"],
        reason=outcome.get("reason", ""),
    )


def _last_time(line: dict[str, Any]) -> float:
    return float(line.get("done_s") or line.get("at_s") or 0.0)


def _without_kind(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "kind"}


def iterations_of(recording: Recording) -> Iterator[list[Exchange]]:
    """Yield the exchanges of each iteration, in the order of their steps."""
    by_iteration: dict[int, list[Exchange]] = {}
    for exchange in recording.exchanges:
        by_iteration.setdefault(exchange.iteration, []).append(exchange)
    yield from by_iteration.values()


def is_complete(exchanges: list[Exchange], steps: int) -> bool:
    """Tell whether an iteration of so many steps went through, each step as expected."""
    return len(exchanges) == steps and all(each.outcome is Outcome.OK for each in exchanges)
