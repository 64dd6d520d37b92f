"""Judge whether the p95 of each step got slower than earlier passing runs on the same machine."""

from collections.abc import Iterator, Sequence

from checks.case import Case
from checks.history.baseline import Conditions, baseline, median_entry, regression_id
from checks.history.entry import Entry
from checks.history.store import ComparableRuns, history_of
from checks.judgement import Judgement
from checks.latency import Limit, latency_row, row_remarks, unserved_reason
from checks.precision import digits_apart
from checks.result import Finding, Kind
from checks.service_levels import LatencyRow
from checks.timings import NO_TIMINGS, Timings, timings_by_step
from checks.validity import bottleneck
from checks.verdict import Verdict
from scenarios.language.amounts import decimal_of
from scenarios.language.objectives import Regression

LEAST_RUNS = 3
_PERCENT = 95.0
_SMALL_S = 0.01
_DIGITS, _DIGITS_OF_SMALL = 3, 6


def judge_regression(case: Case) -> Judgement:
    """Judge each step's p95 by the runs before, where the scenario asks for it."""
    rule, measured = case.scenario.checks.regression, case.measured
    if rule is None:
        return Judgement()
    if measured is None:
        return Judgement((_open("", "response times", "no request was sent"),))
    timings = timings_by_step(case, measured)
    kept, reason = history_of(case.folder), bottleneck(measured)
    sha256 = case.run.scenario_sha256
    return Judgement(
        tuple(
            judge_step(step, timings.get(step, NO_TIMINGS), rule, kept, sha256, reason)
            for step in rule.steps or timings
        )
    )


def judge_step(
    step: str, timings: Timings, rule: Regression, kept: ComparableRuns, sha256: str,
    bottleneck_reason: str = "",
) -> Finding:  # fmt: skip
    """Hold a step's p95 against the median p95 of the last passing runs under the same conditions.

    The limit is judged as one that stands in the scenario: by the count of values over it. So
    the p95 itself decides, and its interval only shows how certain that is.
    """
    if not len(timings):
        return _open(step, _rule_words(rule), unserved_reason(timings))
    runs = baseline(kept.entries, Conditions(kept.machine, sha256), step, rule.runs)
    if len(runs) < LEAST_RUNS:
        few = f"{len(runs)} of {LEAST_RUNS} earlier passing runs on this machine"
        others = sum(each.scenario_sha256 != sha256 for each in kept.entries)
        few += f"; {others:,} of another scenario file are not compared" if others else ""
        return _open(step, _rule_words(rule), kept.error or few)
    median = median_entry(runs, step)
    limit_s = median.latency[step].p95 * (1 + rule.p95)
    row = latency_row(step, timings, [Limit(_PERCENT, limit_s)])
    remarks = _remarks(row, rule, runs, median)
    return _finding(row, rule, runs, median, " ".join(remarks), bottleneck_reason)


def _finding(
    row: LatencyRow, rule: Regression, runs: Sequence[Entry], median: Entry, detail: str,
    bottleneck_reason: str,
) -> Finding:  # fmt: skip
    objective = row.objectives[0]
    before_s, measured_s, limit_s = (
        median.latency[row.step].p95, objective.measured_s, objective.limit_s,
    )  # fmt: skip
    # Both are printed alike, with as many digits as it takes to see which is greater.
    least = _DIGITS if limit_s >= _SMALL_S else _DIGITS_OF_SMALL
    measured, limit = decimal_of(measured_s), decimal_of(limit_s)
    digits = max(digits_apart(measured, least, limit), digits_apart(limit, least, measured))
    busy = f"The load generator was saturated: {bottleneck_reason}. "
    return Finding(
        id=regression_id(row.step),
        title=f"regression {row.step} p95",
        kind=Kind.LATENCY,
        verdict=Verdict.INCONCLUSIVE if bottleneck_reason else objective.verdict,
        expected=f"p95 at most {limit_s:.{digits}f} s: {100 * rule.p95:g} % over "
        f"{before_s:.{digits}f} s, the median of the last {len(runs)} passing runs",
        observed=f"{measured_s:.{digits}f} s",
        detail=f"{busy if bottleneck_reason else ''}{detail}",
    )


def _remarks(
    row: LatencyRow, rule: Regression, runs: Sequence[Entry], median: Entry
) -> Iterator[str]:
    before = median.latency[row.step]
    own, earlier = (row.p95_low, row.p95_high), (before.p95_low, before.p95_high)
    # A missing end is without bound.
    ends = ((own[0], earlier[1]), (earlier[0], own[1]))
    is_overlap = all(low is None or high is None or low <= high for low, high in ends)
    overlaps = "overlaps" if is_overlap else "does not overlap"
    yield (f"The 95 % interval, {_interval(*own)}, {overlaps} that of the median run, "
           f"{_interval(*earlier)}.")  # fmt: skip
    yield from row_remarks(row, row.objectives[0])
    if len(runs) < rule.runs:
        yield f"The rule asks for {rule.runs} runs; there are {len(runs)} on this machine."


def _interval(low_s: float | None, high_s: float | None) -> str:
    if low_s is None and high_s is None:
        return "not bounded by so few values"
    if low_s is None or high_s is None:
        return f"{high_s:.3f} s or less" if low_s is None else f"{low_s:.3f} s or more"
    return f"{low_s:.3f} to {high_s:.3f} s"


def _rule_words(rule: Regression) -> str:
    return f"p95 at most {100 * rule.p95:g} % over the median of the last {rule.runs} passing runs"


def _open(step: str, expected: str, why: str) -> Finding:
    title = f"regression {step} p95" if step else "regression"
    return Finding(regression_id(step), title, Kind.LATENCY, Verdict.INCONCLUSIVE, expected, why)
