"""Draw the share of each step's requests within its limit, at the client and at its service."""

from collections.abc import Iterator, Sequence

from checks.server_shares import StepShares, shares_of
from reports import formatting as write
from reports.charts.layers import Spec, panel, short_name
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, LIMIT, VIOLET

TITLE = "Share within the limit, at the client and at the service"
_MOST_STEPS = 20
_CLIENT, _SERVER = "client (due to done)", "service (its own histogram)"
_OBJECTIVE = 0.95  # the limit is that of the p95
_CLOSE = 0.005
_MIDDLE = 0.9  # a ratio below has the objective in the right half of the axis
# Text is wider in a browser than where the picture is laid out: names must not be cut.
_CHARACTER_WIDTH, _MOST_EXTENT = 7.5, 300


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart: the steps that have a p95 limit and that their services time."""
    steps = [step.step for step in source.case.scenario.steps]
    limits_s = {step: limit_s for step in steps if (limit_s := source.limit_s(step)) is not None}
    shares = sorted(shares_of(source.case, limits_s), key=_gap, reverse=True)
    if not shares:
        reason = (
            "no service shows on its metrics page a histogram that times the requests of one step"
            if limits_s else "no step has a p95 limit"
        )  # fmt: skip
        yield NotDrawn(TITLE, reason)
        return
    rows = tuple(
        (each.step, write.render_limit(each.limit_s), write.render_percentage(each.client_ratio),
         write.render_count(each.client_count), _range(each), write.render_count(each.server_count),
         each.metric)
        for each in shares
    )  # fmt: skip
    columns = ("Step", "Limit", "Client", "Requests", "Service", "Timed", "Metric")
    untimed = len(limits_s) - len(shares)
    yield Chart(TITLE, _sentence(shares, untimed), _spec(shares[:_MOST_STEPS]), columns, rows)


def _gap(shares: StepShares) -> float:
    """Return by how much the service's share is above the client's, at least."""
    return shares.server_ratios[0] - shares.client_ratio


def _range(shares: StepShares) -> str:
    low, high = (write.render_percentage(each) for each in shares.server_ratios)
    return low if shares.server_ratios[0] == shares.server_ratios[1] else f"{low} – {high}"


def _spec(shares: Sequence[StepShares]) -> Spec:
    values = [value for each in shares for value in _values(each)]
    ratios = [min(each.client_ratio, each.server_ratios[0]) for each in shares]
    x: Spec = {
        "field": "low", "type": "quantitative", "title": "requests within the limit",
        "scale": {"domain": [max(0.0, min(_OBJECTIVE, *ratios) - 0.01), 1.0], "nice": False,
                  "zero": False},
        "axis": {"format": ".1%", "tickCount": 6},
    }  # fmt: skip
    extent = min(_MOST_EXTENT, max(_CHARACTER_WIDTH * len(_name(each)) for each in shares))
    axis: Spec = {"labelLimit": _MOST_EXTENT, "minExtent": extent, "ticks": False}
    y: Spec = {"field": "step", "type": "nominal", "title": None, "sort": None, "axis": axis}
    series: Spec = {"field": "series", "type": "nominal", "title": None}
    sides = [_CLIENT, _SERVER]
    colour = {**series, "scale": {"domain": sides, "range": [BLUE, VIOLET]}}
    encoding = {"x": x, "y": y, "yOffset": {**series, "sort": sides}, "color": colour}
    shape = {**series, "scale": {"domain": sides, "range": ["circle", "diamond"]}}
    layers: list[Spec] = [
        {"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 5},
         "encoding": {**encoding, "x2": {"field": "high"}}},
        {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 90},
         "encoding": {**encoding, "shape": shape}},
    ]  # fmt: skip
    return panel([*layers, *_objective_layers(min(ratios))], 30 + 34 * len(shares))


def _name(shares: StepShares) -> str:
    return f"{short_name(shares.step)} ≤ {write.render_limit(shares.limit_s)}"


def _values(shares: StepShares) -> Iterator[dict[str, object]]:
    client, (low, high) = shares.client_ratio, shares.server_ratios
    yield {"step": _name(shares), "low": client, "high": client, "series": _CLIENT}
    yield {"step": _name(shares), "low": low, "high": high, "series": _SERVER}


def _objective_layers(least: float) -> Iterator[Spec]:
    # where the axis goes far down, the line stands at its right end
    side: Spec = {"align": "left", "dx": 4} if least > _MIDDLE else {"align": "right", "dx": -4}
    x: Spec = {"x": {"field": "at", "type": "quantitative"}}
    data = {"values": [{"at": _OBJECTIVE}]}
    yield {"data": data, "mark": {"type": "rule", "color": LIMIT, "strokeWidth": 2},
           "encoding": x}  # fmt: skip
    yield {"data": data,
           "mark": {"type": "text", "baseline": "top", "color": LIMIT, **side,
                    "text": "95 %: the limit of p95 is met"},
           "encoding": {**x, "y": {"value": 2}}}  # fmt: skip


def _sentence(shares: Sequence[StepShares], untimed: int) -> str:
    first = shares[0]
    client, server = write.render_percentage(first.client_ratio), _range(first)
    within = f"within {write.render_limit(first.limit_s)}"
    if _gap(first) > _CLOSE:
        sentence = (f"Of {short_name(first.step)}, {server} ended {within} at the service and "
                    f"{client} at the client: the rest of the time is network, a queue before the "
                    f"handler, or the load generator")  # fmt: skip
    else:
        sentence = (f"Client and service agree: of {short_name(first.step)}, {client} ended "
                    f"{within} at the client and {server} at the service")  # fmt: skip
    if first.server_ratios[0] != first.server_ratios[1]:
        sentence += "; its histogram has no edge at the limit, so that its share is a range"
    if first.server_count != first.client_count:
        sentence += (f"; the service timed {first.server_count:,} requests, the client sent "
                     f"{first.client_count:,}")  # fmt: skip
    if untimed:
        sentence += f"; {write.render_number_of(untimed, 'step')} not timed by a service"
    return f"{sentence}."
