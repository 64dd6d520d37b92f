"""Select the earlier runs to compare a percentile with: passing ones under the same conditions."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.history.entry import Entry
from checks.result import finding_id
from checks.verdict import Verdict


def regression_id(step: str) -> str:
    """Return the id of the regression finding of one step, "" being for all."""
    return finding_id("regression", *([step, "p95"] if step else []))


def is_passing(entry: Entry) -> bool:
    """Return whether a run passed, but for regressions that it could not judge.

    Without that exception there would never be a first run to compare with. A run that was found
    slower does not pass: a few of those would soon be what is usual.
    """
    own = {regression_id(step) for step in ("", *entry.latency)}
    others = {verdict for check, verdict in entry.checks.items() if check not in own}
    is_slower = any(entry.checks.get(check) is Verdict.FAIL for check in own)
    return not entry.partial and not is_slower and others == {Verdict.PASS}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What two runs must have in common to be compared: the machine and the scenario file."""

    machine: str
    scenario_sha256: str

    def are_those_of(self, entry: Entry) -> bool:
        """Return whether a run was made on the same machine with the same file."""
        same_machine = bool(self.machine) and entry.machine == self.machine
        return same_machine and entry.scenario_sha256 == self.scenario_sha256


def baseline(
    entries: Sequence[Entry], conditions: Conditions, step: str, most: int
) -> tuple[Entry, ...]:
    """Return the last passing runs under the same conditions that timed a step, oldest first."""
    usable = [
        each
        for each in entries
        if conditions.are_those_of(each) and step in each.latency and is_passing(each)
    ]
    return tuple(usable[-most:])


def median_entry(runs: Sequence[Entry], step: str) -> Entry:
    """Return the run whose p95 of a step is the median: of two in the middle, the faster.

    So the median is a percentile that was measured, with an interval of its own, and no average.
    """
    return sorted(runs, key=lambda each: each.latency[step].p95)[(len(runs) - 1) // 2]
