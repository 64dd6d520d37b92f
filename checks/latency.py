"""Judge response times by counts of values over a limit and by order statistics, never rounded."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checks.binomial import CONFIDENCE, interval_ranks, probability_at_most
from checks.case import Case, DrivenProfile
from checks.precision import print_apart
from checks.result import Finding, Judgement, Kind, LatencyRow, Objective, finding_id
from checks.validity import bottleneck
from checks.verdict import Verdict
from scenarios.evidence.exchanges import Column
from scenarios.language.model import ITERATION

_TARGET = 95.0


@dataclass(frozen=True, slots=True, eq=False)
class Timings:
    """Response times in seconds; without a response it is the time until giving up."""

    response_s: Column
    answered: Column

    def __len__(self) -> int:
        return len(self.response_s)


NO_TIMINGS = Timings(np.empty(0), np.empty(0, bool))


def judge_latency(case: Case) -> Judgement:
    """Judge each objective on each step that it names, over the measured phase."""
    measured = case.measured
    if measured is None:
        return Judgement((_unmeasured("latency", "no request was sent"),))
    timings = timings_by_step(case, measured)
    limits = _limits(case)
    rows = [
        latency_row(step, values, limits[step]) for step, values in timings.items() if len(values)
    ]
    reason = bottleneck(measured)
    findings = [_finding(row, objective, reason) for row in rows for objective in row.objectives]
    silent = [
        _unmeasured(f"latency {step}", "no request of this step was sent", step)
        for step, values in timings.items()
        if not len(values) and limits[step]
    ]
    return Judgement((*findings, *silent), latency=tuple(rows))


def timings_by_step(case: Case, driven: DrivenProfile) -> dict[str, Timings]:
    """Return every response time by step, and of whole iterations, in the scenario's order."""
    steps = [step.step for step in case.scenario.flow]
    timings = {
        step: _joined(
            Timings(of_step.response_s, of_step.answered)
            for of_step in (each.of_step(step) for each in driven.measured)
        )
        for step in steps
    }
    iterations = []
    for each in driven.measured:
        of_each = each.iterations
        duration_s = each.column("done_s")[of_each.last] - each.column("due_s")[of_each.first]
        # One that broke off would have taken longer, as a request without a response would have.
        iterations.append(Timings(duration_s, of_each.all_answered(len(steps))))
    timings[ITERATION] = _joined(iterations)
    return timings


def _joined(parts: Iterable[Timings]) -> Timings:
    """Put the timings of several generators together."""
    kept = list(parts)
    return Timings(
        np.concatenate([np.empty(0), *(each.response_s for each in kept)]),
        np.concatenate([np.empty(0, bool), *(each.answered for each in kept)]),
    )


def latency_row(step: str, timings: Timings, limits: dict[float, float]) -> LatencyRow:
    """Compute a step's percentiles and judge its limits (seconds by percentile).

    Nearest rank: the p-th percentile of n values is the value of rank ceil(p·n), so each is a
    value that was measured.
    """
    values = np.sort(timings.response_s)
    objectives = tuple(_objective(timings, values, *limit) for limit in limits.items())
    low, high = _interval(values, _TARGET)
    target_s = limits.get(_TARGET)
    return LatencyRow(
        step=step,
        count=len(values),
        unanswered=int(np.count_nonzero(~timings.answered)),
        p50=percentile(values, 50),
        p95=percentile(values, 95),
        p99=percentile(values, 99),
        max=float(values[-1]),
        p95_low=low,
        p95_high=high,
        over_target=None if target_s is None else _over_limit(values, target_s),
        objectives=objectives,
    )


def percentile(ordered: Sequence[float] | Column, percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    """
    return float(ordered[max(1, _rank(len(ordered), percent)) - 1])


def _over_limit(values: Column, limit_s: float) -> int:
    return int(np.count_nonzero(values > limit_s))


def allowed_over(count: int, percent: float) -> int:
    """Return how many of `count` values may be over a limit with the percentile still within it.

    >>> allowed_over(100, 95), allowed_over(19, 95)
    (5, 0)
    """
    return count - _rank(count, percent)


def _rank(count: int, percent: float) -> int:
    return math.ceil(round(percent * count, 6) / 100)


def _limits(case: Case) -> dict[str, dict[float, float]]:
    """Return each step's limits; an objective that names no step is for each request."""
    limits: dict[str, dict[float, float]] = {step.step: {} for step in case.scenario.flow}
    limits[ITERATION] = {}
    for objective in case.scenario.checks.latency:
        steps = [objective.step] if objective.step else [each for each in limits if
                                                         each != ITERATION]  # fmt: skip
        for step in steps:
            limits[step] |= objective.limits()
    return limits


def _objective(timings: Timings, values: Column, percent: float, limit_s: float) -> Objective:
    over = _over_limit(values, limit_s)
    doubtful = int(np.count_nonzero(~timings.answered & (timings.response_s <= limit_s)))
    allowed = allowed_over(len(values), percent)
    # A value without a response may belong to either side of the limit.
    verdict = Verdict.FAIL if over > allowed else Verdict.INCONCLUSIVE
    if over + doubtful <= allowed:
        verdict = Verdict.PASS
    # How often would chance alone yield this, if exactly the permitted share were over the limit?
    count, share = len(values), 1 - percent / 100
    proven = (
        verdict is Verdict.PASS
        and probability_at_most(over + doubtful, count, share) <= 1 - CONFIDENCE
    ) or (verdict is Verdict.FAIL and probability_at_most(over - 1, count, share) >= CONFIDENCE)
    low, high = _interval(values, percent)
    return Objective(
        percentile=percent,
        limit_s=limit_s,
        measured_s=percentile(values, percent),
        low_s=low,
        high_s=high,
        over_low=over,
        over_high=over + doubtful,
        allowed=allowed,
        proven=proven,
        verdict=verdict,
    )


def _interval(values: Column, percent: float) -> tuple[float | None, float | None]:
    low, high = interval_ranks(len(values), percent / 100)
    return (
        None if low is None else float(values[low - 1]),
        None if high is None else float(values[high - 1]),
    )


def _finding(row: LatencyRow, objective: Objective, bottleneck_reason: str) -> Finding:
    name = f"p{objective.percentile:g}"
    verdict = Verdict.INCONCLUSIVE if bottleneck_reason else objective.verdict
    measured = print_apart(objective.measured_s, 3, objective.limit_s)
    low, high = objective.over_low, objective.over_high
    over = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    return Finding(
        id=objective_id(row.step, objective.percentile),
        title=f"latency {row.step} {name}",
        kind=Kind.LATENCY,
        verdict=verdict,
        expected=f"at most {objective.allowed:,} of {row.count:,} over {objective.limit_s:g} s",
        observed=f"{over} over; {name} {measured} s",
        detail=" ".join(_remarks(row, objective, bottleneck_reason)),
    )


def objective_id(step: str, percentile: float) -> str:
    """Return the id of the finding on one objective.

    >>> objective_id("execute workflow", 95.0)
    'latency/execute-workflow/p95'
    """
    return finding_id("latency", step, f"p{percentile:g}")


def _remarks(row: LatencyRow, objective: Objective, bottleneck_reason: str) -> Iterator[str]:
    if bottleneck_reason:
        yield f"The load generator was saturated: {bottleneck_reason}."
    if row.unanswered:
        yield f"{row.unanswered:,} without a response or broken off: their times are lower bounds."
    proven = "proven" if objective.proven else "not proven"
    yield f"{proven} with 95 % confidence at {row.count:,} values.".capitalize()


def _unmeasured(title: str, why: str, *step: str) -> Finding:
    return Finding(
        finding_id("latency", *step),
        title,
        Kind.LATENCY,
        Verdict.INCONCLUSIVE,
        "response times",
        why,
    )
