"""Judge response times by counts of values over a limit and by order statistics, never rounded.

One computation yields the interval, "proven" and the verdict of a limit:

    proven pass         ├───●───┤      │           the whole interval lies at or below the limit
    not proven          ├───────●──────│──┤        the measured value decides
    proven fail                        │ ├──●──┤   the whole interval lies above the limit
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from checks.binomial import FEWEST_OVER, interval_ranks
from checks.case import Case
from checks.judgement import Judgement
from checks.precision import print_apart
from checks.result import Finding, Kind, finding_id
from checks.service_levels import LatencyRow, Objective
from checks.success import may_be_left_out
from checks.timings import Timings, timings_by_step
from checks.validity import bottleneck
from checks.verdict import Verdict
from scenarios.evidence.exchanges import Column
from scenarios.language.objectives import MAX_PERCENTILE, allowed_over, percentile_name, rank_of

_TARGET = 95.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on a percentile. If `strict`, the measured value decides, however few there are."""

    percentile: float
    limit_s: float
    strict: bool = False


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
        _unmeasured(f"latency {step}", _silent_reason(case, step, timings), step)
        for step, values in timings.items()
        if not len(values) and limits[step] and not _is_left_out(case, step, values)
    ]
    return Judgement((*findings, *silent), latency=tuple(rows))


def unserved_reason(timings: Timings) -> str:
    """Return why a step without a value to judge has none."""
    failed = len(timings.failed_s)
    return f"none of {failed:,} was served" if failed else "no request of this step was sent"


def _silent_reason(case: Case, step: str, timings: Mapping[str, Timings]) -> str:
    """Return why nothing of a step was timed: its streams may have too few events for that."""
    for each in case.scenario.flow_steps:
        if step in (each.first_event, each.longest_gap):
            if not len(timings[each.step]):
                return unserved_reason(timings[each.step])
            if not len(timings[step].failed_s):
                fewest = "an event" if step == each.first_event else "two events"
                return f"no stream had {fewest}"
    return unserved_reason(timings[step])


def _is_left_out(case: Case, step: str, timings: Timings) -> bool:
    """Return whether the iterations left a step out, as they may, and no objective names it."""
    is_named = any(each.step == step for each in case.scenario.checks.latency)
    return not is_named and not len(timings.failed_s) and may_be_left_out(case, step)


def latency_row(step: str, timings: Timings, limits: Sequence[Limit]) -> LatencyRow:
    """Compute a step's percentiles and judge its limits.

    Nearest rank: the p-th percentile of n values is the value of rank ceil(p·n), so each is a
    value that was measured.
    """
    values = np.sort(np.concatenate([timings.served_s, timings.timed_out_s]))
    failed = np.sort(timings.failed_s)
    objectives = tuple(_objective(timings.judged_by(each.limit_s), each) for each in limits)
    low, high = _interval(timings, _TARGET)
    return LatencyRow(
        step=step,
        count=len(values),
        unanswered=len(timings.timed_out_s),
        p50=percentile(values, 50),
        p95=percentile(values, 95),
        p99=percentile(values, 99),
        max=float(values[-1]),
        p95_low=low,
        p95_high=high,
        over_target=next(
            (each.over_low for each in objectives if each.percentile == _TARGET), None
        ),
        objectives=objectives,
        not_served=len(failed),
        not_served_p95=percentile(failed, 95) if len(failed) else None,
    )


def percentile(ordered: Sequence[float] | Column, percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    """
    return float(ordered[max(1, rank_of(len(ordered), percent)) - 1])


def _limits(case: Case) -> dict[str, list[Limit]]:
    """Return each step's limits; an objective that names no step is for each request."""
    limits: dict[str, dict[float, Limit]] = {name: {} for name in case.scenario.timed}
    requests = [step.step for step in case.scenario.flow_steps]
    for objective in case.scenario.checks.latency:
        for step in [objective.step] if objective.step else requests:
            limits[step] |= {
                percent: Limit(percent, limit_s, objective.strict)
                for percent, limit_s in objective.limits().items()
            }
    return {step: list(of_step.values()) for step, of_step in limits.items()}


def _objective(timings: Timings, limit: Limit) -> Objective:
    """Judge one limit by the values that were served, or were slower than it in any case."""
    values = np.sort(np.concatenate([timings.served_s, timings.timed_out_s]))
    over = int(np.count_nonzero(values > limit.limit_s))
    # The response to a request that timed out may belong to either side of the limit.
    doubtful = int(np.count_nonzero(timings.timed_out_s <= limit.limit_s))
    allowed = allowed_over(len(values), limit.percentile)
    low_s, high_s = _interval(timings, limit.percentile)
    is_below = high_s is not None and high_s <= limit.limit_s
    is_above = low_s is not None and low_s > limit.limit_s
    judged = over <= allowed or is_above or limit.strict or (
        low_s is not None and over >= FEWEST_OVER
    )  # fmt: skip
    if over > allowed:
        verdict = Verdict.FAIL if judged else Verdict.PASS
    else:
        verdict = Verdict.PASS if over + doubtful <= allowed else Verdict.INCONCLUSIVE
    return Objective(
        percentile=limit.percentile, limit_s=limit.limit_s,
        measured_s=percentile(values, limit.percentile), low_s=low_s, high_s=high_s,
        over_low=over, over_high=over + doubtful, allowed=allowed,
        proven=is_below or is_above, verdict=verdict, count=len(values), judged=judged,
    )  # fmt: skip


def _interval(timings: Timings, percent: float) -> tuple[float | None, float | None]:
    """Return the 95 % interval of a percentile; a value that timed out has no upper bound."""
    timed_out_s = timings.timed_out_s
    at_least = np.sort(np.concatenate([timings.served_s, timed_out_s]))
    at_most = np.sort(np.concatenate([timings.served_s, np.full(len(timed_out_s), math.inf)]))
    if percent == MAX_PERCENTILE:  # the longest that was measured is the least it can be
        return float(at_least[-1]), None
    low, high = interval_ranks(len(at_least), percent / 100)
    high_s = math.inf if high is None else float(at_most[high - 1])
    return None if low is None else float(at_least[low - 1]), None if math.isinf(high_s) else high_s


def _finding(row: LatencyRow, objective: Objective, bottleneck_reason: str) -> Finding:
    name = percentile_name(objective.percentile)
    verdict = Verdict.INCONCLUSIVE if bottleneck_reason else objective.verdict
    measured = print_apart(objective.measured_s, 3, objective.limit_s)
    low, high = objective.over_low, objective.over_high
    over = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    limit = f"{objective.limit_s:g} s"
    reason = f"{row.step} {name} {measured} s, limit {limit} ({over} of {objective.count:,} over)"
    return Finding(
        id=objective_id(row.step, objective.percentile),
        title=f"latency {row.step} {name}",
        kind=Kind.LATENCY,
        verdict=verdict,
        expected=f"at most {objective.allowed:,} of {objective.count:,} over {limit}",
        observed=f"{over} over; {name} {measured} s",
        detail=" ".join(_remarks(row, objective, bottleneck_reason)),
        reason="" if bottleneck_reason else reason,
    )


def objective_id(step: str, percentile: float) -> str:
    """Return the id of the finding on one objective.

    >>> objective_id("execute workflow", 95.0)
    'latency/execute-workflow/p95'
    """
    return finding_id("latency", step, percentile_name(percentile))


def _remarks(row: LatencyRow, objective: Objective, bottleneck_reason: str) -> Iterator[str]:
    if bottleneck_reason:
        yield f"The load generator was saturated: {bottleneck_reason}."
    yield from row_remarks(row, objective)
    if objective.judged:
        proven = "Proven" if objective.proven else "Not proven"
        yield f"{proven} with 95 % confidence at {_values(objective)}."


def _values(objective: Objective) -> str:
    return f"{objective.count:,} value{'' if objective.count == 1 else 's'}"


def row_remarks(row: LatencyRow, objective: Objective) -> Iterator[str]:
    """Yield what the values of a step leave out, or bound on one side only."""
    slow = objective.count - row.count
    fast = row.not_served - slow
    if fast and row.not_served_p95 is not None:
        of_all = f", p95 {row.not_served_p95:.3f} s" if not slow else ""
        yield f"{fast:,} not served{of_all}: not judged."
    if slow:
        yield f"{slow:,} not served, but slower than the limit: over it."
    if row.unanswered:
        yield f"{row.unanswered:,} without a response in time: their times are lower bounds."
    if not objective.judged:
        yield f"{objective.over_low:,} of {_values(objective)} over: nothing is proven, not judged."


def _unmeasured(title: str, why: str, *step: str) -> Finding:
    return Finding(
        finding_id("latency", *step),
        title,
        Kind.LATENCY,
        Verdict.INCONCLUSIVE,
        "response times",
        why,
    )
