"""With which earlier runs may a percentile be compared? Those that passed, on the same machine."""

from collections.abc import Sequence

from checks.entry import Entry
from checks.verdict import Verdict


def check_name(step: str) -> str:
    """Name the regression check of one step."""
    return f"regression {step} p95"


def is_passing(entry: Entry) -> bool:
    """Tell whether all but the regression checks passed: those need passing runs to begin with."""
    own = {"regression", *map(check_name, entry.latency)}
    others = [verdict for check, verdict in entry.checks.items() if check not in own]
    return bool(others) and not entry.partial and set(others) == {Verdict.PASS}


def baseline(entries: Sequence[Entry], machine: str, step: str, most: int) -> tuple[Entry, ...]:
    """Return the last passing runs on a machine that timed a step, oldest first."""
    usable = [
        each
        for each in entries
        if machine and each.machine == machine and step in each.latency and is_passing(each)
    ]
    return tuple(usable[-most:])


def median_entry(runs: Sequence[Entry], step: str) -> Entry:
    """Return the run whose p95 of a step is the median: of two in the middle, the faster.

    So the median is a percentile that was measured, with an interval of its own, and no average.
    """
    return sorted(runs, key=lambda each: each.latency[step].p95)[(len(runs) - 1) // 2]
