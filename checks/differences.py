"""Compare two runs: response times, findings, quantities, errors and what they ran in."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from checks.case import Case
from checks.comparison import (
    ComparisonRule,
    Outcome,
    RunNoise,
    StepComparison,
    compare_steps,
)
from checks.failure_reasons import failure_groups
from checks.history.baseline import Conditions
from checks.history.entry import Entry, QuantityEntry
from checks.history.prediction import compare_with_history, run_noise
from checks.history.store import MAX_RUNS, record_of
from checks.result import Finding, Kind, Result
from checks.timings import due_order_by_step
from checks.validity import bottleneck
from checks.verdict import Verdict
from scenarios.evidence.exchanges import Column

# Counts are exact, and rates have an objective of their own; response times are compared here.
_DECISIVE = (Kind.FLOW, Kind.SUCCESS, Kind.USAGE)


class Obstacle(StrEnum):
    """Why response times of two runs cannot be compared, all or none."""

    OTHER_SCENARIO = "other_scenario"
    OTHER_PROFILE = "other_profile"
    NO_EXCHANGES = "no_exchanges"
    SATURATED = "saturated"


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A check whose verdict differs; None where a run has no such check.

    `is_regression`: it passed, now it fails, and chance explains none of it.
    """

    id: str
    before: Verdict | None
    after: Verdict | None
    before_observed: str
    after_observed: str
    is_regression: bool


@dataclass(frozen=True, slots=True)
class QuantityChange:
    """A row of the balance whose verdict or largest distance differs; None where it is not."""

    quantity: str
    before: QuantityEntry | None
    after: QuantityEntry | None


@dataclass(frozen=True, slots=True)
class ErrorChange:
    """Failed exchanges of one step and reason, of all that were sent in this step."""

    step: str
    reason: str
    before: int
    before_of: int
    after: int
    after_of: int


@dataclass(frozen=True, slots=True)
class SettingChange:
    """What the runs ran in, or ran, where it differs; "" where a run has none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a comparison: `before` is one run, or the last runs of the history.

    The verdict is fail on a proven regression, inconclusive where nothing can be said.
    `measured_noise` has the steps whose noise between runs the history shows, none of it if empty.
    """

    before: tuple[str, ...]
    after: str
    rule: ComparisonRule
    verdict: Verdict
    obstacles: tuple[Obstacle, ...]
    steps: tuple[StepComparison, ...]
    findings: tuple[FindingChange, ...]
    quantities: tuple[QuantityChange, ...]
    errors: tuple[ErrorChange, ...]
    settings: tuple[SettingChange, ...]
    measured_noise: dict[str, RunNoise]


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run's result and its evidence."""

    result: Result
    case: Case


def compare_runs(
    before: JudgedRun, after: JudgedRun, rule: ComparisonRule, history: Sequence[Entry] = ()
) -> Comparison:
    """Compare a run with one before it; a history shows the noise between runs."""
    entries = record_of(before.result), record_of(after.result)
    conditions = Conditions(entries[1].machine, entries[1].scenario_sha256)
    noise = {
        step: found
        for step in entries[1].latency
        if (found := run_noise(history, conditions, step, MAX_RUNS))
    }
    obstacles = (*_other_work(*entries), *_unmeasured(before.case), *_unmeasured(after.case))
    steps = () if obstacles else compare_steps(_times(before.case), _times(after.case), rule, noise)
    if rule.is_noise_assumed:
        steps = without_assumed_proof(steps, noise)
    return _comparison(
        entries[:1], after.result, rule, obstacles, steps,
        quantities=(_rows(before.result), _rows(after.result)),
        observed={each.id: each.observed for each in before.result.findings},
        errors=tuple(_errors(before.case, after.case)), noise=noise,
    )  # fmt: skip


def without_assumed_proof(
    steps: Sequence[StepComparison], measured: Collection[str]
) -> tuple[StepComparison, ...]:
    """Take the proof from each difference whose noise between runs was assumed, not measured."""
    unproven = {
        Outcome.SLOWER: Outcome.PERHAPS_SLOWER,
        Outcome.FASTER: Outcome.PERHAPS_FASTER,
    }
    return tuple(
        step
        if step.step in measured
        else replace(
            step,
            changes=tuple(
                replace(each, outcome=unproven.get(each.outcome, each.outcome))
                for each in step.changes
            ),
        )
        for step in steps
    )


def compare_with_last(
    entries: Sequence[Entry], after: JudgedRun, last: int, rule: ComparisonRule
) -> Comparison:
    """Compare a run with the last ones before it: response times with all, the rest with the last.

    The entries are comparable runs, oldest first.
    """
    entry, obstacles = record_of(after.result), _unmeasured(after.case)
    steps = () if obstacles else compare_with_history(entries, entry, last, rule)
    newest = entries[-1].quantities if entries else {}
    return _comparison(
        entries[-last:], after.result, rule, obstacles, steps,
        quantities=(newest, entry.quantities), observed={}, errors=(), noise={},
    )  # fmt: skip


def comparison_json(comparison: Comparison) -> str:
    """Render a comparison as one JSON object."""
    return TypeAdapter(Comparison).dump_json(comparison, indent=2).decode()


def _comparison(
    before: Sequence[Entry], after: Result, rule: ComparisonRule, obstacles: tuple[Obstacle, ...],
    steps: tuple[StepComparison, ...], *,
    quantities: tuple[Mapping[str, QuantityEntry], Mapping[str, QuantityEntry]],
    observed: Mapping[str, str], errors: tuple[ErrorChange, ...],
    noise: dict[str, RunNoise],
) -> Comparison:  # fmt: skip
    checks = before[-1].checks if before else {}
    findings = tuple(_findings(checks, observed, after)) if before else ()
    settings = tuple(_settings(before[-1], record_of(after))) if before else ()
    return Comparison(
        tuple(each.run_id for each in before), after.run_id, rule,
        _verdict(obstacles, steps, findings), obstacles, steps, findings,
        tuple(_quantities(*quantities)), errors, settings, noise,
    )  # fmt: skip


def _verdict(
    obstacles: Sequence[Obstacle], steps: Sequence[StepComparison],
    findings: Sequence[FindingChange],
) -> Verdict:  # fmt: skip
    if {Obstacle.OTHER_SCENARIO, Obstacle.OTHER_PROFILE} & set(obstacles):
        return Verdict.INCONCLUSIVE
    outcomes = {change.outcome for step in steps for change in step.changes}
    if Outcome.SLOWER in outcomes or any(each.is_regression for each in findings):
        return Verdict.FAIL
    if Outcome.PERHAPS_SLOWER in outcomes:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if outcomes else Verdict.INCONCLUSIVE


def _other_work(before: Entry, after: Entry) -> Iterator[Obstacle]:
    if before.scenario != after.scenario:
        yield Obstacle.OTHER_SCENARIO
    if before.profile != after.profile:
        yield Obstacle.OTHER_PROFILE


def _unmeasured(case: Case) -> tuple[Obstacle, ...]:
    if case.measured is None or not any(map(len, case.measured.measured)):
        return (Obstacle.NO_EXCHANGES,)
    return (Obstacle.SATURATED,) if bottleneck(case.measured) else ()


def _times(case: Case) -> dict[str, Column]:
    return due_order_by_step(case, case.measured) if case.measured else {}


def _findings(
    checks: Mapping[str, Verdict], observed: Mapping[str, str], after: Result
) -> Iterator[FindingChange]:
    found: dict[str, Finding] = {each.id: each for each in after.findings}
    verdicts = record_of(after).checks
    for check in dict.fromkeys([*verdicts, *checks]):
        one, other = checks.get(check), verdicts.get(check)
        if one is not other:
            is_decisive = check in found and found[check].kind in _DECISIVE
            now = found[check].observed if check in found else ""
            is_regression = is_decisive and (one, other) == (Verdict.PASS, Verdict.FAIL)
            yield FindingChange(check, one, other, observed.get(check, ""), now, is_regression)


def _rows(result: Result) -> dict[str, QuantityEntry]:
    return {
        f"{row.quantity} {' '.join(map('='.join, row.labels.items()))}".rstrip(): QuantityEntry(
            row.verdict, row.worst_distance
        )
        for row in result.usage
    }


def _quantities(
    before: Mapping[str, QuantityEntry], after: Mapping[str, QuantityEntry]
) -> Iterator[QuantityChange]:
    for name in dict.fromkeys([*after, *before]):
        if before.get(name) != after.get(name):
            yield QuantityChange(name, before.get(name), after.get(name))


def _errors(before: Case, after: Case) -> Iterator[ErrorChange]:
    """Yield failures by step and reason, in words that are the same in both runs; most first."""
    (failed_before, sent_before), (failed_after, sent_after) = map(_failed, (before, after))
    keys = dict.fromkeys([*failed_after, *failed_before])
    for step, reason in sorted(
        keys, key=lambda key: -failed_after.get(key, 0) - failed_before.get(key, 0)
    ):
        one, other = failed_before.get((step, reason), 0), failed_after.get((step, reason), 0)
        yield ErrorChange(
            step, reason, one, sent_before.get(step, 0), other, sent_after.get(step, 0)
        )


def _failed(case: Case) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Return how many failed by step and reason, and how many there were by step."""
    failed: dict[tuple[str, str], int] = {}
    for each in failure_groups(case.recordings):
        key = each.step, each.group
        failed[key] = failed.get(key, 0) + each.count
    steps = {step.step for step in case.scenario.steps}
    return failed, {step: sum(len(each.of_step(step)) for each in case.exchanges) for step in steps}


def _settings(before: Entry, after: Entry) -> Iterator[SettingChange]:
    for name, one, other in _named(before, after):
        if one != other:
            yield SettingChange(name, one, other)


def _named(before: Entry, after: Entry) -> Iterator[tuple[str, str, str]]:
    yield "scenario", before.scenario, after.scenario
    yield "scenario file (SHA-256)", before.scenario_sha256, after.scenario_sha256
    yield "profile", before.profile, after.profile
    yield "environment", before.environment, after.environment
    yield "machine of the load generator", before.machine, after.machine
    yield "seeded fault", before.fault or "", after.fault or ""
    for name in dict.fromkeys([*before.versions, *after.versions]):
        yield f"version of {name}", before.versions.get(name, ""), after.versions.get(name, "")
