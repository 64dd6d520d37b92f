"""Look into a chart's specification."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from reports.charts.model import Chart, NotDrawn

DrawnT = TypeVar("DrawnT")


def only_chart(drawn: Iterable[Chart | NotDrawn]) -> Chart:
    """Return the one chart."""
    (chart,) = [each for each in drawn if isinstance(each, Chart)]
    return chart


def only_reason(drawn: Iterable[Chart | NotDrawn]) -> str:
    """Return why the one chart was not drawn."""
    (missing,) = drawn
    assert isinstance(missing, NotDrawn)
    return missing.reason


def layers_of(spec: Any) -> Iterator[dict[str, Any]]:
    """Yield every layer of every panel."""
    for panel in spec.get("vconcat", [spec]):
        yield from panel["layer"]


def points_of(spec: Any) -> int:
    """Return how many data points a chart has."""
    return sum(len(each["data"]["values"]) for each in layers_of(spec))


def values_of(spec: Any, series: str) -> list[float]:
    """Return the values of one series, over all panels."""
    return [
        value["value"]
        for layer in layers_of(spec)
        for value in layer["data"]["values"]
        if value.get("series") == series
    ]
