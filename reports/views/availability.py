"""View the availability of each service: rows of a watch, and its incidents."""

from dataclasses import dataclass

from checks.result import Result
from checks.service_levels import AvailabilityRow
from checks.verdict import Verdict
from reports import formatting as write
from reports.views.ordering import failing_first


@dataclass(frozen=True, slots=True)
class WatchRow:
    """One service as people read it."""

    service: str
    verdict: Verdict
    ratio: str
    interval: str
    objective: str
    down: str
    budget: str
    left: str
    unwatched: str
    failed: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One time in which a service was down; how sure it is stands beside how long it was."""

    service: str
    began: str
    ended: str
    lasted: str
    uncertain: str
    error: str
    failed: str


def watch_rows(result: Result) -> list[WatchRow]:
    """Return one row per service, failing ones first."""
    return failing_first(list(map(_watch_row, result.availability)))


def incident_rows(result: Result) -> list[IncidentRow]:
    """Return one row per incident, the latest first."""
    incidents = [(each.began_at, row.service, each)
            for row in result.availability for each in row.incidents]  # fmt: skip
    ordered = sorted(incidents, key=lambda each: each[:2], reverse=True)
    return [
        IncidentRow(
            service=service,
            began=write.render_utc(each.began_at),
            ended="it lasts" if each.ended_at is None else write.render_utc(each.ended_at),
            lasted=write.render_seconds(each.duration_s) if each.ended_at else write.NO_DATA,
            uncertain=f"± {write.render_seconds(each.uncertain_s)}",
            error=each.error,
            failed=write.render_count(each.failed),
        )
        for _, service, each in ordered
    ]


def _watch_row(row: AvailabilityRow) -> WatchRow:
    limit = row.objective_ratio
    left_s = row.budget_s - row.down_s
    low, high = (write.render_percentage(each, limit) for each in (row.low_ratio, row.high_ratio))
    return WatchRow(
        service=row.service,
        verdict=row.verdict,
        ratio=write.render_percentage(row.ratio, limit),
        interval=f"{low.removesuffix(' %')}–{high}",
        objective=f"≥ {write.render_percentage(limit)}",
        down=write.render_seconds(row.down_s, row.budget_s),
        budget=write.render_seconds(row.budget_s),
        left=write.render_seconds(left_s) if left_s >= 0
        else f"overspent by {write.render_seconds(-left_s)}",
        unwatched=write.render_seconds(row.unwatched_s),
        failed=f"{write.render_count(row.failed)} of {write.render_count(row.probes)}",
    )  # fmt: skip
