"""Compute the trends of a history: shifts of response times, and checks that are flaky."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from checks.history.change_points import ChangePoint, change_points
from checks.history.entry import Entry, StepEntry
from checks.verdict import Verdict

PERCENTILES = ("p50", "p95", "p99")

_FLAKY_CHANGES = 3  # of verdict: once bad and good again is an incident, not a flaky check


@dataclass(frozen=True, slots=True)
class Shift:
    """A lasting change of a percentile: `first` is the first run that has it."""

    step: str
    percentile: str
    first: Entry
    point: ChangePoint


@dataclass(frozen=True, slots=True)
class FlakyCheck:
    """A check that changes its verdict again and again: in `changes` of its `runs`."""

    id: str
    runs: int
    not_passed: int
    changes: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The runs of one scenario in one environment with the same profiles, oldest first.

    Shifts are looked for among the runs on the machine of the newest one.
    """

    environment: str
    scenario: str
    profile: str
    entries: tuple[Entry, ...]
    shifts: tuple[Shift, ...]
    flaky: tuple[FlakyCheck, ...]

    @property
    def newest(self) -> Entry:
        """The newest run."""
        return self.entries[-1]


def trends_of(entries: Iterable[Entry], days: int) -> tuple[Trend, ...]:
    """Return one trend per environment, scenario and profiles, of the last days before its newest.

    Runs with a seeded fault are left out: they test the harness.
    """
    groups: dict[tuple[str, str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda each: each.started_at):
        if entry.fault is None:
            key = entry.environment, entry.scenario, entry.profile
            groups.setdefault(key, []).append(entry)
    return tuple(_trend(groups[key], days) for key in sorted(groups))


def percentile_of(step: StepEntry, percentile: str) -> float:
    """Return one of PERCENTILES in seconds."""
    return {"p50": step.p50, "p95": step.p95, "p99": step.p99}[percentile]


def _trend(entries: Sequence[Entry], days: int) -> Trend:
    newest = entries[-1]
    recent = tuple(
        each for each in entries if newest.started_at - each.started_at <= timedelta(days=days)
    )
    shifts = (
        shift
        for step in dict.fromkeys(name for entry in recent for name in entry.latency)
        for percentile in PERCENTILES
        for shift in shifts_of(recent, newest.machine, step, percentile)
    )
    return Trend(
        newest.environment, newest.scenario, newest.profile, recent,
        tuple(shifts), tuple(_flaky_checks(recent)),
    )  # fmt: skip


def shifts_of(
    entries: Sequence[Entry], machine: str, step: str, percentile: str
) -> Iterator[Shift]:
    """Yield the shifts of a step among the whole runs on a machine, oldest first."""
    # a value of 0 s has no logarithm, and shows nothing
    timed = [
        (entry, value)
        for entry in entries
        if entry.machine == machine and not entry.partial and step in entry.latency
        and (value := percentile_of(entry.latency[step], percentile))
    ]  # fmt: skip
    for point in change_points([value for _, value in timed]):
        yield Shift(step, percentile, timed[point.position][0], point)


def _flaky_checks(entries: Sequence[Entry]) -> Iterator[FlakyCheck]:
    for check in dict.fromkeys(name for entry in entries for name in entry.checks):
        verdicts = [entry.checks[check] for entry in entries if check in entry.checks]
        changes = sum(one is not other for one, other in pairwise(verdicts))
        if changes >= _FLAKY_CHANGES:
            not_passed = sum(verdict is not Verdict.PASS for verdict in verdicts)
            yield FlakyCheck(check, len(verdicts), not_passed, changes)
