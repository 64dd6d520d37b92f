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
    values: list[dict[str, object]] = []
    for each in shares:
        name = f"{short_name(each.step)} ≤ {write.render_limit(each.limit_s)}"
        client, (low, high) = each.client_ratio, each.server_ratios
        values.append({"step": name, "low": client, "high": client, "series": _CLIENT})
        values.append({"step": name, "low": low, "high": high, "series": _SERVER})
    ratios = [min(each.client_ratio, each.server_ratios[0]) for each in shares]
    least = min(_OBJECTIVE, *ratios)
    x: Spec = {
        "field": "low", "type": "quantitative", "title": "requests within the limit",
        "scale": {"domain": [max(0.0, least - 0.01), 1.0], "nice": False, "zero": False},
        "axis": {"format": ".1%", "tickCount": 6},
    }  # fmt: skip
    y: Spec = {"field": "step", "type": "nominal", "title": None, "sort": None,
               "axis": {"labelLimit": 260, "ticks": False}}  # fmt: skip
    offset: Spec = {"field": "series", "type": "nominal", "sort": [_CLIENT, _SERVER]}
    colour: Spec = {"field": "series", "type": "nominal", "title": None,
                    "scale": {"domain": [_CLIENT, _SERVER], "range": [BLUE, VIOLET]}}  # fmt: skip
    encoding = {"x": x, "y": y, "yOffset": offset, "color": colour}
    shape = {"field": "series", "type": "nominal", "title": None,
             "scale": {"domain": [_CLIENT, _SERVER], "range": ["circle", "diamond"]}}  # fmt: skip
    objective: Spec = {"data": {"values": [{"at": _OBJECTIVE}]},
                       "mark": {"type": "rule", "color": LIMIT, "strokeWidth": 2},
                       "encoding": {"x": {"field": "at", "type": "quantitative"}}}  # fmt: skip
    return panel(
        [
            {"data": {"values": values}, "mark": {"type": "rule", "strokeWidth": 5},
             "encoding": {**encoding, "x2": {"field": "high"}}},
            {"data": {"values": values}, "mark": {"type": "point", "filled": True, "size": 90},
             "encoding": {**encoding, "shape": shape}},
            objective,
        ],
        30 + 34 * len(shares),
    )  # fmt: skip


def _sentence(shares: Sequence[StepShares], untimed: int) -> str:
    first = shares[0]
    client, server = write.render_percentage(first.client_ratio), _range(first)
    within = f"within {write.render_limit(first.limit_s)}"
    if _gap(first) > _CLOSE:
        said = (f"Of {short_name(first.step)}, {server} ended {within} at the service and {client} "
                f"at the client: the rest of the time is network, a queue before the handler, or "
                f"the load generator")  # fmt: skip
    else:
        said = (f"Client and service agree: of {short_name(first.step)}, {client} ended {within} "
                f"at the client and {server} at the service")  # fmt: skip
    if first.server_ratios[0] != first.server_ratios[1]:
        said += "; its histogram has no edge at the limit, so that its share is a range"
    if first.server_count != first.client_count:
        said += (f"; the service timed {first.server_count:,} requests, the client sent "
                 f"{first.client_count:,}")  # fmt: skip
    if untimed:
        said += f"; {write.render_number_of(untimed, 'step')} not timed by a service"
    return f"{said}."
