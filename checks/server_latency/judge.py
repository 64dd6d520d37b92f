"""Judge the share within a limit as services measured it, by counts that are exact or bounded.

limit: 5 % of 1,000 over     0 ──────────── 50 ──────────────▶ over
pass                           ├── 20–40 ──┤│
inconclusive                       ├── 40 ──│── 60 ──┤       no edge at the limit, or a doubt
fail                                        │  ├── 60–80 ──┤
"""

from collections.abc import Iterator, Mapping, Sequence

from checks.balance.preconditions import Precondition, judge_preconditions
from checks.binomial import FEWEST_OVER, interval_ranks
from checks.case import Case
from checks.judgement import Judgement
from checks.result import Finding, Kind, finding_id
from checks.server_latency.requests import StepRequests, requests_of
from checks.server_latency.sentences import expected_words, observed_words, remarks
from checks.server_latency.shares import WitnessHistograms, read_histograms, share_of
from checks.service_levels import ServerLatencyRow, ServerShare
from checks.verdict import Verdict
from scenarios.language.objectives import (
    MAX_PERCENTILE,
    ServerLatencyObjective,
    allowed_over,
    percentile_name,
)
from witnesses.figure import ZERO, Labels
from witnesses.histograms import Histogram


def judge_server_latency(case: Case) -> Judgement:
    """Judge each objective on a histogram, over the whole run or the requests of its step."""
    objectives = case.scenario.checks.server_latency
    preconditions = judge_preconditions(case) if objectives else []
    rows = tuple(
        row
        for number, each in enumerate(objectives)
        for row in _rows(case, number, each, preconditions)
    )
    return Judgement(tuple(map(_finding, rows)), server_latency=rows)


def _rows(
    case: Case, number: int, objective: ServerLatencyObjective,
    preconditions: Sequence[Precondition],
) -> Iterator[ServerLatencyRow]:  # fmt: skip
    """Yield a row for each limit and each set of labels that grew."""
    histograms = read_histograms(case, number, objective, preconditions)
    requests = None
    if objective.step is not None:
        has_strangers = not (case.run.exclusive or objective.is_per_tenant)
        requests = requests_of(case, objective.step, has_strangers=has_strangers)
    for labels in _grown(histograms) or [tuple("" for _ in objective.by)]:
        for percentile, limit_s in objective.limits().items():
            shares = {
                witness: _share(each, labels, limit_s, requests)
                for witness, each in histograms.items()
            }
            yield _row(case, objective, labels, (percentile, limit_s), shares, requests)


def _grown(histograms: Mapping[str, WitnessHistograms]) -> list[Labels]:
    """Return the labels of which any witness has a value."""
    return sorted({
        labels
        for each in histograms.values()
        for labels, histogram in each.by_labels.items()
        if histogram.count != ZERO
    })  # fmt: skip


def _share(
    witness: WitnessHistograms, labels: Labels, limit_s: float, requests: StepRequests | None
) -> ServerShare:
    if witness.gap:
        return ServerShare(witness.absent, gap=witness.gap)
    histogram = witness.by_labels.get(labels, Histogram({float("inf"): witness.absent}))
    return share_of(histogram, limit_s, requests, witness.total)


def _row(
    case: Case, objective: ServerLatencyObjective, labels: Labels, limit: tuple[float, float],
    shares: dict[str, ServerShare], requests: StepRequests | None,
) -> ServerLatencyRow:  # fmt: skip
    percentile, limit_s = limit
    judged = [_judged(each, percentile, strict=objective.strict) for each in shares.values()]
    verdict, is_judged = _combined(judged)
    tenant = case.run.tenant
    return ServerLatencyRow(
        name=objective.name_in(tenant), histogram=objective.selector(tenant).metric,
        step=objective.step, labels=dict(zip(objective.by, labels, strict=True)),
        percentile=percentile, limit_s=limit_s, shares=shares,
        client_ratio=requests.client_ratio(limit_s) if requests else None,
        sent=len(requests.timings) if requests else None,
        verdict=verdict, judged=is_judged,
        proven=any(_is_proven(each, percentile) for each in shares.values()),
    )  # fmt: skip


def _combined(judged: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    """Return the one verdict of the witnesses that have one; two that contradict have none."""
    known = [each for each in judged if each[0] is not Verdict.INCONCLUSIVE]
    if not known or len({verdict for verdict, _ in known}) > 1:
        return Verdict.INCONCLUSIVE, True
    return known[0][0], any(is_judged for _, is_judged in known)


def _judged(share: ServerShare, percentile: float, *, strict: bool) -> tuple[Verdict, bool]:
    """Return the verdict of one witness, and whether so few values are judged."""
    if share.gap:
        return Verdict.INCONCLUSIVE, True
    allowed = allowed_over(share.count, percentile)
    if share.over_high <= allowed:
        return Verdict.PASS, True
    if not (strict or _can_fail(share, share.over_high, percentile)):
        return Verdict.PASS, False
    if share.over_low > allowed and (strict or _can_fail(share, share.over_low, percentile)):
        return Verdict.FAIL, True
    return Verdict.INCONCLUSIVE, True


def _can_fail(share: ServerShare, over: int, percentile: float) -> bool:
    """Return whether so many of so few values over a limit can prove anything."""
    if percentile == MAX_PERCENTILE:
        return True
    low, _ = interval_ranks(share.count, percentile / 100)
    return low is not None and over >= FEWEST_OVER


def _is_proven(share: ServerShare, percentile: float) -> bool:
    """Return whether the 95 % interval of the percentile lies on one side of the limit."""
    if share.gap:
        return False
    if percentile == MAX_PERCENTILE:
        return share.over_low > 0
    low, high = interval_ranks(share.count, percentile / 100)
    is_below = high is not None and share.over_high <= share.count - high
    return is_below or (low is not None and share.over_low > share.count - low)


def _finding(row: ServerLatencyRow) -> Finding:
    of_labels = "".join(f", {name} {value}" for name, value in row.labels.items())
    title = f"server latency {row.name}{of_labels} {percentile_name(row.percentile)}"
    observed = observed_words(row)
    return Finding(
        id=server_latency_id(row),
        title=title,
        kind=Kind.SERVER_LATENCY,
        verdict=row.verdict,
        expected=expected_words(row),
        observed=observed,
        detail=" ".join(remarks(row)),
        reason=f"{title}: {observed}",
    )


def server_latency_id(row: ServerLatencyRow) -> str:
    """Return the id of the finding on a row."""
    name = " ".join([row.name, *row.labels.values()])
    return finding_id(Kind.SERVER_LATENCY, name, percentile_name(row.percentile))
