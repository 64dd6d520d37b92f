"""Select the earlier runs to compare a percentile with: passing ones on the same machine."""

from collections.abc import Sequence

from checks.history.entry import Entry
from checks.result import finding_id
from checks.verdict import Verdict


def regression_id(step: str) -> str:
    """Return the id of the regression finding of one step, "" being for all."""
    return finding_id("regression", *([step, "p95"] if step else []))


def is_passing(entry: Entry) -> bool:
    """Tell whether a run passed, but for regressions that it could not judge.

    Without that exception there would never be a first run to compare with. A run that was found
    slower does not pass: a few of those would soon be what is usual.
    """
    own = {regression_id(step) for step in ("", *entry.latency)}
    others = {verdict for check, verdict in entry.checks.items() if check not in own}
    is_slower = any(entry.checks.get(check) is Verdict.FAIL for check in own)
    return not entry.partial and not is_slower and others == {Verdict.PASS}


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
