"""View the trends of a history: calendar, curves, shifts, quantities and flaky checks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from checks.history.entry import Entry
from checks.history.trends import Shift, Trend
from checks.latency import objective_id
from checks.service_levels import P95
from checks.verdict import Verdict, worst
from reports import formatting as write
from reports.vega import BLUE, FAIL, LIMIT, OPEN, SOFT
from reports.views.kept_reports import FindReport
from scenarios.language.model import ITERATION
from scenarios.language.objectives import percentile_name
from witnesses.figure import size_of

MOST_MARKS = 30  # in a strip of text
_WEEK_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_COLOURS = {Verdict.PASS: BLUE, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: OPEN}
_CHART_HEIGHT = 150
_LEAST_OF_DAYS, _MOST_DAY_TICKS = timedelta(days=2), timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the calendar: the worst verdict of its runs, and the report of that run."""

    label: str
    verdict: Verdict
    mark: str
    report: str


@dataclass(frozen=True, slots=True)
class Week:
    """One column of the calendar; a day without a run is None."""

    monday: str
    days: tuple[Day | None, ...]


@dataclass(frozen=True, slots=True)
class ShiftRow:
    """One shift: what changed from which run on, and the versions that changed with it."""

    what: str
    before: str
    after: str
    change: str
    when: str
    report: str
    versions: str


@dataclass(frozen=True, slots=True)
class QuantityRow:
    """One quantity over the runs: how many did not pass, and the largest distance."""

    name: str
    not_passed: str
    distance: str
    marks: str


@dataclass(frozen=True, slots=True)
class FlakyRow:
    """One check that changes its verdict again and again."""

    id: str
    not_passed: str
    changes: str
    marks: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A chart of one step: its specification, and the sentence about what it shows."""

    title: str
    sentence: str
    spec: dict[str, Any]


def trend_title(trend: Trend) -> str:
    """Name a trend by what was run where."""
    return f"{trend.scenario} on {trend.environment} ({trend.profile or 'no profile'})"


def trend_sentence(trend: Trend) -> str:
    """Report how many runs passed since when, and how long one takes."""
    verdicts = [each.verdict for each in trend.entries]
    counts = [
        f"{number:,} {word}"
        for verdict, word in ((Verdict.PASS, "passed"), (Verdict.FAIL, "failed"),
                              (Verdict.INCONCLUSIVE, "inconclusive"))
        if (number := verdicts.count(verdict))
    ]  # fmt: skip
    duration_s = median(_duration_s(each) for each in trend.entries)
    first, last = (f"{each.started_at:%Y-%m-%d}" for each in (trend.entries[0], trend.newest))
    when = f"on {last}" if first == last else f"from {first} to {last}"
    return (f"{write.render_number_of(len(verdicts), 'run')} {when}: "
            f"{', '.join(counts)}. Median duration {write.render_seconds(duration_s)}, "
            f"of the newest {write.render_seconds(_duration_s(trend.newest))}.")  # fmt: skip


def calendar(trend: Trend, find_report: FindReport) -> list[Week]:
    """Return the weeks from the first run to the newest, oldest first."""
    by_day: dict[date, list[Entry]] = {}
    for entry in trend.entries:
        by_day.setdefault(entry.started_at.date(), []).append(entry)
    first, last = min(by_day), max(by_day)
    monday = first - timedelta(days=first.weekday())
    weeks = range((last - monday).days // 7 + 1)
    return [
        Week(
            f"{monday + timedelta(weeks=week):%m-%d}",
            tuple(
                _day(day, by_day[day], find_report)
                if (day := monday + timedelta(weeks=week, days=number)) in by_day
                else None
                for number in range(7)
            ),
        )
        for week in weeks
    ]


def week_days() -> tuple[str, ...]:
    """Name the rows of the calendar."""
    return _WEEK_DAYS


def shift_rows(trend: Trend, find_report: FindReport) -> list[ShiftRow]:
    """Return a row per shift, the newest first."""
    shifts = sorted(trend.shifts, key=lambda each: each.first.started_at, reverse=True)
    return [
        ShiftRow(
            what=f"{each.step} {each.percentile}",
            before=write.render_seconds(each.point.before),
            after=write.render_seconds(each.point.after),
            change=write.render_change(each.point.change_ratio),
            when=write.render_utc(each.first.started_at),
            report=find_report(each.first.run_id),
            versions=changed_versions(trend, each),
        )
        for each in shifts
    ]


def changed_versions(trend: Trend, shift: Shift) -> str:
    """Name what the first run of a shift has in another version than the run before it."""
    position = trend.entries.index(shift.first)
    now, before = shift.first, trend.entries[position - 1] if position else shift.first
    names = dict.fromkeys([*before.versions, *now.versions])
    changed = [
        f"{name} {before.versions.get(name, 'none')} → {now.versions.get(name, 'none')}"
        for name in names
        if now.versions.get(name) != before.versions.get(name)
    ]
    if now.scenario_sha256 != before.scenario_sha256:
        changed.append("the scenario file")
    return ", ".join(changed) or "none recorded"


def shift_sentences(trend: Trend) -> list[str]:
    """Write the shifts of each step that begin with the same run in one sentence, newest first."""
    groups: dict[tuple[str, str], list[Shift]] = {}
    for shift in sorted(trend.shifts, key=lambda each: each.first.started_at, reverse=True):
        groups.setdefault((shift.first.run_id, shift.step), []).append(shift)
    return [
        f"{step}: {', '.join(map(_change, shifts))} "
        f"since {write.render_utc(shifts[0].first.started_at)}"
        for (_, step), shifts in groups.items()
    ]


def newest_shift(trends: Sequence[Trend]) -> str:
    """Write the newest shift of all trends, of its p95 where that has shifted; "" without one."""
    found = [(shift, trend) for trend in trends for shift in trend.shifts]
    if not found:
        return ""
    p95 = percentile_name(P95)
    shift, trend = max(found, key=lambda of: (of[0].first.started_at, of[0].percentile == p95))
    return (f"Since the run of {write.render_utc(shift.first.started_at)}: "
            f"{write.one_line(shift.step, 60)} {_change(shift)} in {trend_title(trend)}; changed "
            f"with it: {write.one_line(changed_versions(trend, shift), 120)}.")  # fmt: skip


def _change(shift: Shift) -> str:
    point = shift.point
    before, after = (write.render_seconds(each) for each in (point.before, point.after))
    return f"{shift.percentile} {before} → {after} ({write.render_change(point.change_ratio)})"


def quantity_rows(trend: Trend) -> list[QuantityRow]:
    """Return a row per quantity, those that did not always pass first."""
    rows = []
    for name in dict.fromkeys(each for entry in trend.entries for each in entry.quantities):
        judged = [each.quantities.get(name) for each in trend.entries]
        known = [each for each in judged if each]
        bad = sum(each.verdict is not Verdict.PASS for each in known)
        distance = max((each.distance for each in known if each.distance is not None),
                       key=size_of, default=None)  # fmt: skip
        row = QuantityRow(
            name, f"{bad:,} of {len(known):,}",
            write.NO_DATA if distance is None else write.render_difference(distance),
            _marks(each.verdict if each else None for each in judged),
        )  # fmt: skip
        rows.append((bad == 0, row))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def flaky_rows(trend: Trend) -> list[FlakyRow]:
    """Return a row per flaky check, the one that changes most first."""
    return [
        FlakyRow(
            each.id, f"{each.not_passed:,} of {each.runs:,}", f"{each.changes:,}",
            _marks(entry.checks.get(each.id) for entry in trend.entries),
        )
        for each in sorted(trend.flaky, key=lambda each: -each.changes)
    ]  # fmt: skip


def verdict_marks(trend: Trend) -> str:
    """Write the verdicts of the last runs as marks, oldest first."""
    return _marks(each.verdict for each in trend.entries)


def curves(trend: Trend) -> list[Curve]:
    """Return a chart of the iteration, and one of each step that has a shift."""
    timed = {name for entry in trend.entries for name in entry.latency}
    steps = [ITERATION, *dict.fromkeys(each.step for each in trend.shifts)]
    return [_curve(trend, step) for step in dict.fromkeys(steps) if step in timed]


def _day(day: date, entries: Sequence[Entry], find_report: FindReport) -> Day:
    verdict = worst(each.verdict for each in entries)
    shown = next(each for each in reversed(entries) if each.verdict is verdict)
    several = f", {len(entries):,} runs" if len(entries) > 1 else ""
    return Day(
        f"{day:%Y-%m-%d} {verdict}{several}", verdict, write.MARKS[verdict],
        find_report(shown.run_id),
    )  # fmt: skip


def _duration_s(entry: Entry) -> float:
    return (entry.finished_at - entry.started_at).total_seconds()


def _marks(verdicts: Iterable[Verdict | None]) -> str:
    return write.render_marks(list(verdicts)[-MOST_MARKS:])


def _curve(trend: Trend, step: str) -> Curve:
    entries = [each for each in trend.entries if step in each.latency]
    shifts = [each for each in trend.shifts if each.step == step]
    last = entries[-1].latency[step]
    limit = last.p95_limit
    limits = [] if limit is None else [limit]
    figures = ", ".join([
        f"p95 of the newest run {write.render_seconds(last.p95, *limits)}",
        *(f"limit {write.render_limit(each)}" for each in limits),
    ])  # fmt: skip
    dated = [f"{each.percentile} shifted by {write.render_change(each.point.change_ratio)} on "
             f"{each.first.started_at:%Y-%m-%d}" for each in shifts]  # fmt: skip
    spec = _curve_spec(entries, step, shifts)
    return Curve(f"{step} by run", f"{'; '.join([figures, *dated])}.", spec)


def _curve_spec(entries: Sequence[Entry], step: str, shifts: Sequence[Shift]) -> dict[str, Any]:
    limit = entries[-1].latency[step].p95_limit
    values = [
        {
            "at": each.started_at.isoformat(),
            "verdict": each.checks.get(objective_id(step, P95), Verdict.PASS),
            "p50": timed.p50, "p95": timed.p95, "p99": timed.p99,
            "low": timed.p95 if timed.p95_low is None else timed.p95_low,
            "high": timed.p95 if timed.p95_high is None else timed.p95_high,
        }
        for each in entries
        if (timed := each.latency[step])
    ]  # fmt: skip
    return {
        "height": _CHART_HEIGHT,
        "data": {"values": values},
        "encoding": {"x": {"field": "at", "type": "temporal", "title": None,
                           "scale": {"type": "utc"},
                           "axis": _time_axis(entries)}},
        "layer": [
            _line("p50", SOFT, [1, 0]), _line("p99", SOFT, [2, 3]),
            {"mark": {"type": "rule", "color": BLUE, "opacity": 0.5},
             "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}},
            {"mark": {"type": "point", "filled": True, "size": 28},
             "encoding": {
                 "y": {"field": "p95", "type": "quantitative", "title": "seconds"},
                 "color": {"field": "verdict", "type": "nominal", "legend": None,
                           "scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())}},
                 "shape": {"field": "verdict", "type": "nominal", "legend": None,
                           "scale": {"domain": list(_COLOURS),
                                     "range": ["circle", "cross", "diamond"]}}}},
            *([_limit(limit)] if limit is not None else []),
            *[_shift_line(each) for each in shifts],
        ],
    }  # fmt: skip


def _time_axis(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return an axis whose labels differ: times of a day or two, else days."""
    span = entries[-1].started_at - entries[0].started_at
    axis = {"grid": False, "format": "%m-%d", "labelOverlap": "greedy"}
    if span < _LEAST_OF_DAYS:
        return {**axis, "format": "%m-%d %H:%M"}
    is_short = span < _MOST_DAY_TICKS
    return {**axis, "tickCount": {"interval": "day", "step": 1}} if is_short else axis


def _line(field: str, colour: str, dash: list[int]) -> dict[str, Any]:
    return {"mark": {"type": "line", "color": colour, "strokeWidth": 1, "strokeDash": dash},
            "encoding": {"y": {"field": field, "type": "quantitative"}}}  # fmt: skip


def _limit(limit_s: float) -> dict[str, Any]:
    return {"data": {"values": [{"limit": limit_s}]},
            "mark": {"type": "rule", "color": LIMIT, "strokeWidth": 2},
            "encoding": {"x": {"value": 0}, "x2": {"value": "width"},
                         "y": {"field": "limit", "type": "quantitative"}}}  # fmt: skip


def _shift_line(shift: Shift) -> dict[str, Any]:
    return {"data": {"values": [{"first": shift.first.started_at.isoformat()}]},
            "mark": {"type": "rule", "color": OPEN, "strokeWidth": 2, "strokeDash": [4, 3]},
            "encoding": {"x": {"field": "first", "type": "temporal"}}}  # fmt: skip
