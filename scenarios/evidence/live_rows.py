"""Read a recording while it is written: each row once, as soon as it has its outcome.

rows    ok ok ·  ok ·  ok │ empty
──────┼───────────┤
from first       end       · intents: their requests are in flight
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.exchanges import CODES, EMPTY, INTENT, ROW, Column
from scenarios.evidence.files import open_to_pread
from scenarios.evidence.mapped_rows import without_empty_end
from scenarios.evidence.recording import NOTES, ROW_BYTES, ROWS
from scenarios.evidence.recording_reader import read_json_lines

_MOST_ROWS = 262_144  # in one read: 10 MB


@dataclass
class LiveRows:
    """The rows of one generator that have their outcome, beginning with none."""

    path: Path
    first: int = 0
    seen: Column = field(default_factory=lambda: np.empty(0, np.bool_))

    def read(self) -> Column:
        """Return the rows that got their outcome since the last call; none without a file."""
        try:
            file = open_to_pread(self.path)
        except OSError:
            return np.empty(0, ROW)
        try:
            span = os.pread(file, _MOST_ROWS * ROW_BYTES, self.first * ROW_BYTES)
        finally:
            os.close(file)
        rows = np.frombuffer(span[: len(span) // ROW_BYTES * ROW_BYTES], ROW)
        rows = without_empty_end(rows, rows["outcome"] != EMPTY)
        has_outcome = rows["outcome"] > INTENT
        seen = np.zeros(len(rows), np.bool_)
        seen[: len(self.seen)] = self.seen[: len(rows)]
        new = rows[has_outcome & ~seen]
        open_at = np.flatnonzero(~has_outcome)
        done = int(open_at[0]) if len(open_at) else len(rows)
        self.first, self.seen = self.first + done, has_outcome[done:]
        return new


class StepTimes:
    """Response times in buckets of 1 %, which is how exact their percentiles are."""

    _LEAST_S, _RATIO, _BUCKETS = 1e-5, 1.01, 2_400

    def __init__(self) -> None:
        """Begin with none."""
        self._counts = np.zeros(self._BUCKETS, np.int64)

    def add(self, times_s: Column) -> None:
        """Add response times in seconds."""
        times_s = np.maximum(times_s, self._LEAST_S)
        buckets = np.ceil(np.log(times_s / self._LEAST_S) / np.log(self._RATIO)).astype(np.int64)
        np.add.at(self._counts, np.minimum(buckets, self._BUCKETS - 1), 1)

    def percentile(self, percent: float) -> float | None:
        """Return a percentile in seconds, at most 1 % too high; None of no time."""
        total = int(self._counts.sum())
        if not total:
            return None
        rank = np.searchsorted(np.cumsum(self._counts), percent / 100 * total)
        return float(self._LEAST_S * self._RATIO ** int(rank))


def step_names(notes: Path) -> tuple[str, ...]:
    """Return the names of a recording's steps, which its first note has; () before it is there."""
    try:
        start = next(read_json_lines(notes), {})
    except OSError:
        return ()
    return tuple(map(str, start.get("steps", ())))


@dataclass
class LiveLoad:
    """What the recordings of one profile show so far, by generator and by step.

    `iteration` is the name of what is timed over all steps.
    """

    folder: Path
    stem: str
    iteration: str
    requests: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    iterations: int = 0
    times: dict[str, StepTimes] = field(default_factory=dict)
    _steps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _rows: dict[str, LiveRows] = field(default_factory=dict)
    _due_s: dict[tuple[str, int], float] = field(default_factory=dict)

    def update(self) -> None:
        """Read what was written since the last call."""
        of_workers = sorted(self.folder.glob(f"{self.stem}-w[0-9]*{NOTES}"))
        for notes in (self.folder / f"{self.stem}{NOTES}", *of_workers):
            generator = notes.stem
            live = self._rows.setdefault(generator, LiveRows(notes.with_suffix(ROWS)))
            steps = self._steps.get(generator) or step_names(notes)
            if steps:
                self._steps[generator] = steps
                self._add(generator, live.read(), steps)

    def _add(self, generator: str, rows: Column, steps: tuple[str, ...]) -> None:
        is_ok = rows["outcome"] == CODES[Outcome.OK]
        self.requests[generator] += len(rows)
        self.failed[generator] += int(np.count_nonzero(~is_ok))
        for number in np.unique(rows["step"]).tolist():
            if number < len(steps):
                of_step = rows[rows["step"] == number]
                times = self.times.setdefault(steps[number], StepTimes())
                times.add(of_step["done_s"] - of_step["due_s"])
        self._add_iterations(generator, rows)

    def _add_iterations(self, generator: str, rows: Column) -> None:
        """Take the time of each iteration that came to its end, from its first request due on."""
        ended = []
        columns = (rows[name].tolist() for name in ("iteration", "due_s", "done_s", "marks"))
        for iteration, due_s, done_s, marks in zip(*columns, strict=True):
            begun_s = self._due_s.setdefault((generator, iteration), due_s)
            if marks & Mark.ITERATION:
                ended.append(done_s - begun_s)
                del self._due_s[generator, iteration]
        self.iterations += len(ended)
        if ended:
            self.times.setdefault(self.iteration, StepTimes()).add(np.array(ended))
