"""View the objectives: each limit, and how far from it the run ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from checks.latency import objective_id
from checks.result import Finding, Kind, Result
from checks.service_levels import LatencyRow, Objective
from checks.verdict import Verdict
from reports import formatting as write
from reports.views.kinds import KINDS
from reports.views.ordering import failing_first
from scenarios.language.objectives import percentile_name


@dataclass(frozen=True, slots=True)
class LatencyBar:
    """Where the measured value, its interval and the limit stand between 0 and 1."""

    low: float
    measured: float
    high: float
    limit: float


@dataclass(frozen=True, slots=True)
class ObjectiveRow:
    """One limit as people read it. `use_ratio` is measured by limit; None where there is no bar.

    `left_out` is how many values were not served, so that they are not in the count.
    A limit is not judged where so few values are over it that they prove nothing.
    """

    id: str
    title: str
    verdict: Verdict
    measured: str
    objective: str
    interval: str = write.NOT_ASKED
    confidence: str = ""
    margin: str = write.NOT_ASKED
    share: str = write.NOT_ASKED
    count: str = write.NOT_ASKED
    left_out: str = ""
    bar: LatencyBar | None = None
    percentile: float | None = None
    use_ratio: float | None = None
    is_judged: bool = True

    @property
    def state(self) -> str:
        """The verdict in words, or that there is none."""
        return write.render_verdict(self.verdict) if self.is_judged else write.NOT_JUDGED


def objective_rows(result: Result) -> list[ObjectiveRow]:
    """Return a row for each limit, query and success rate, failing ones first."""
    others = (
        _finding_row(each)
        for kind, words in KINDS.items()
        if words.is_objective
        for each in result.findings
        if each.kind is kind
    )
    return failing_first([*_latency_rows(result), *others])


def _latency_rows(result: Result) -> Iterator[ObjectiveRow]:
    """Yield each objective under its finding's verdict, then the findings without an objective."""
    findings = [each for each in result.findings if each.kind is Kind.LATENCY]
    by_id = {each.id: each for each in reversed(findings)}
    shown = set()
    for row in result.latency:
        for objective in row.objectives:
            key = objective_id(row.step, objective.percentile)
            shown.add(key)
            yield _limit_row(row, objective, key, by_id.get(key))
    yield from (_finding_row(each) for each in findings if each.id not in shown)


def _limit_row(
    row: LatencyRow, objective: Objective, key: str, finding: Finding | None
) -> ObjectiveRow:
    limit_s = objective.limit_s
    verdict = finding.verdict if finding else objective.verdict
    count = write.render_count(objective.count)
    left_out = row.count + row.not_served - objective.count  # not served, so not judged
    return ObjectiveRow(
        id=key, title=f"{row.step} {percentile_name(objective.percentile)}",
        verdict=verdict,
        measured=write.render_seconds(objective.measured_s, limit_s),
        objective=f"≤ {write.render_limit(limit_s)}",
        interval=write.render_interval(objective.low_s, objective.high_s, limit_s),
        confidence="proven" if objective.proven else "not proven",
        margin=write.render_change((limit_s - objective.measured_s) / limit_s),
        share=_share(objective),
        count=count, left_out=f"{write.render_count(left_out)} not served" if left_out else "",
        bar=_bar(objective),
        percentile=objective.percentile, use_ratio=objective.measured_s / limit_s,
        is_judged=objective.judged or verdict is not Verdict.PASS,
    )  # fmt: skip


def _share(objective: Objective) -> str:
    """Write the share within the limit, from the counts that were judged."""
    count = objective.count
    if not count:
        return write.NO_DATA
    enough = (count - objective.allowed) / count
    low, high = (write.render_percentage((count - over) / count, enough)
                 for over in (objective.over_high, objective.over_low))  # fmt: skip
    return low if low == high else f"{low.removesuffix(' %')}–{high}"


def _bar(objective: Objective) -> LatencyBar:
    low_s = objective.measured_s if objective.low_s is None else objective.low_s
    high_s = objective.measured_s if objective.high_s is None else objective.high_s
    scale_s = 1.15 * max(objective.limit_s, objective.measured_s, high_s)
    return LatencyBar(low_s / scale_s, objective.measured_s / scale_s, high_s / scale_s,
               objective.limit_s / scale_s)  # fmt: skip


def _finding_row(finding: Finding) -> ObjectiveRow:
    return ObjectiveRow(
        finding.id, finding.title, finding.verdict, finding.observed, finding.expected
    )
