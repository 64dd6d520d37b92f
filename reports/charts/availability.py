"""Draw a watch over time: up and down, the slowest probes, and what is left of each budget."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from checks.availability import longest_gap_s
from checks.service_levels import AvailabilityRow
from reports import formatting as write
from reports.charts.layers import (
    MOST_INTERVALS,
    Spec,
    clock,
    epoch_ms,
    limit_layers,
    line_layer,
    panel,
    quantity_axis,
    series_colour,
    short_name,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, FAIL, OPEN, SOFT, TEAL, VIOLET
from scenarios.evidence.probes import TIMEOUT_S, Probe, probes_path, read_probes

TITLE = "Up and down over time"
LATENCY_TITLE = "Slowest probe over time"
BUDGET_TITLE = "Error budget left over time"

_MOST_SERVICES = 6
_MOST_BARS = 300
_ROW_PX = 34
_COLOURS = (BLUE, OPEN, VIOLET, TEAL, SOFT, FAIL)
_HEIGHTS = {"up": 8, "not probed": 14, "down": 24}  # not by colour alone


@dataclass(frozen=True, slots=True)
class Watched:
    """One service of a watch: its row, and its probes in order."""

    row: AvailabilityRow
    probes: Sequence[Probe]

    @property
    def name(self) -> str:
        """Its name, as short as a chart asks for."""
        return short_name(self.row.service)


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the three charts of a watch, of the services that were down the longest."""
    folder = source.case.folder.evidence
    rows = sorted(source.result.availability, key=lambda each: -each.down_s)[:_MOST_SERVICES]
    services = [Watched(row, read_probes(probes_path(folder, row.service))) for row in rows]
    services = [each for each in services if each.probes]
    if not services:
        for title in (TITLE, LATENCY_TITLE, BUDGET_TITLE):
            yield NotDrawn(title, "no service was probed")
        return
    begin = source.result.started_at
    end = max(_utc(each.probes[-1].done_at) for each in services)
    watch = source.case.run.watch
    yield _strip(services, begin, end, longest_gap_s(watch) if watch else math.inf)
    yield _latency(services, begin, end)
    yield _budget(services, begin, end)


def _strip(services: Sequence[Watched], begin: datetime, end: datetime, gap_s: float) -> Chart:
    bars = [bar for each in services for bar in _bars(each, begin, end, gap_s)]
    encoding: Spec = {
        "x": time_axis(begin, end), "x2": {"field": "until"},
        "y": {"field": "service", "type": "nominal", "title": None, "sort": None},
        "size": {"field": "height", "type": "quantitative", "scale": None, "legend": None},
        "color": {"field": "state", "type": "nominal", "title": None,
                  "scale": {"domain": list(_HEIGHTS), "range": [BLUE, SOFT, FAIL]}},
    }  # fmt: skip
    layer: Spec = {"data": {"values": bars}, "mark": {"type": "bar"}, "encoding": encoding}
    table = tuple(
        (write.render_utc(incident.began_at), each.row.service,
         "it lasts" if incident.duration_s is None else write.render_seconds(incident.duration_s))
        for each in services
        for incident in each.row.incidents
    )  # fmt: skip
    columns = "Down from", "Service", "For"
    return Chart(TITLE, _strip_sentence(services), panel([layer], _ROW_PX * len(services)),
                 columns, table)  # fmt: skip


def _bars(service: Watched, begin: datetime, end: datetime, gap_s: float) -> Iterator[Spec]:
    """Yield the whole watch as up, then what was not probed and what was down on top of it."""
    yield _bar(service, "up", begin, end)
    gaps = [
        (_utc(each.done_at), _utc(later.sent_at))
        for each, later in pairwise(service.probes)
        if later.sent_at - each.done_at > gap_s
    ]
    for since, until in gaps[:_MOST_BARS]:
        yield _bar(service, "not probed", since, until)
    for incident in service.row.incidents[:_MOST_BARS]:
        yield _bar(service, "down", incident.began_at, incident.ended_at or end)


def _bar(service: Watched, state: str, begin: datetime, end: datetime) -> Spec:
    return {"service": service.name, "state": state, "height": _HEIGHTS[state],
            "at": epoch_ms(begin), "until": epoch_ms(end)}  # fmt: skip


def _strip_sentence(services: Sequence[Watched]) -> str:
    down = [each.row for each in services if each.row.incidents]
    if not down:
        return "Every service was up at every probe."
    periods = [
        f"{short_name(row.service)} was down "
        f"{write.render_number_of(len(row.incidents), 'time')}, {write.render_seconds(row.down_s)} "
        f"in all, first at {clock(row.incidents[0].began_at)} UTC"
        for row in down
    ]
    return f"{'; '.join(periods)}."


def _latency(services: Sequence[Watched], begin: datetime, end: datetime) -> Chart:
    width_s = max((end - begin).total_seconds() / MOST_INTERVALS, 0.001)
    slowest: dict[tuple[str, int], float] = {}
    for each in services:
        for probe in each.probes:
            place = min(max(0, int((probe.sent_at - begin.timestamp()) / width_s)),
                        MOST_INTERVALS - 1)  # fmt: skip
            key = each.name, place
            slowest[key] = max(slowest.get(key, 0.0), probe.done_at - probe.sent_at)
    values = [
        {"at": epoch_ms(begin + timedelta(seconds=place * width_s)), "series": name, "value": value}
        for (name, place), value in sorted(slowest.items())
    ]
    names = [each.name for each in services]
    encoding = {"x": time_axis(begin, end), "y": quantity_axis("seconds"),
                **series_colour(names, _COLOURS)}  # fmt: skip
    worst = max((probe.done_at - probe.sent_at, probe.sent_at, each.name)
                for each in services for probe in each.probes)  # fmt: skip
    table = tuple(
        (clock(begin + timedelta(seconds=place * width_s)), name, write.render_seconds(value))
        for (name, place), value in sorted(slowest.items(), key=lambda each: each[0][::-1])
    )
    layers = [line_layer(values, encoding), *limit_layers(TIMEOUT_S, worst[0], "down from")]
    sentence = (f"The slowest probe, of {worst[2]}, took {write.render_seconds(worst[0])} at "
                f"{clock(_utc(worst[1]))} UTC.")  # fmt: skip
    return Chart(LATENCY_TITLE, sentence, panel(layers, 120),
                 ("From (UTC)", "Service", "Slowest probe"), table)  # fmt: skip


def _budget(services: Sequence[Watched], begin: datetime, end: datetime) -> Chart:
    levels = [(each, list(_levels(each.row, begin, end))) for each in services]
    values = [
        {"at": epoch_ms(at), "series": each.name, "value": left_s}
        for each, points in levels
        for at, left_s in points
    ]
    encoding = {"x": time_axis(begin, end), "y": quantity_axis("seconds left"),
                **series_colour([each.name for each in services], _COLOURS)}  # fmt: skip
    zero: Spec = {"data": {"values": [{}]}, "mark": {"type": "rule", "color": FAIL},
                  "encoding": {"y": {"datum": 0, "type": "quantitative"}}}  # fmt: skip
    table = tuple(
        (write.render_utc(at), each.row.service, write.render_seconds(left_s))
        for each, points in levels
        for at, left_s in points
    )
    row = min((each.row for each in services), key=lambda each: each.budget_s - each.down_s)
    return Chart(BUDGET_TITLE, _budget_sentence(row), panel([line_layer(values, encoding), zero],
                 120), ("At", "Service", "Left"), table)  # fmt: skip


def _levels(
    row: AvailabilityRow, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, float]]:
    """Yield what is left of the budget at the begin and end of the watch and of each incident."""
    left_s = row.budget_s
    yield begin, left_s
    for incident in row.incidents[:_MOST_BARS]:
        yield incident.began_at, left_s
        ended_at = incident.ended_at or end
        left_s -= (ended_at - incident.began_at).total_seconds()
        yield ended_at, left_s
    yield end, left_s


def _budget_sentence(row: AvailabilityRow) -> str:
    left_s, name = row.budget_s - row.down_s, short_name(row.service)
    budget = write.render_seconds(row.budget_s)
    if left_s < 0:
        return f"{name} has overspent its budget of {budget} by {write.render_seconds(-left_s)}."
    return f"{name} has {write.render_seconds(left_s)} of its budget of {budget} left."


def _utc(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
