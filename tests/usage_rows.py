"""Read the rows of a `result.json`."""

from collections.abc import Mapping
from typing import Any


def figure_of(row: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the figure of a row's only witness of a kind, as in `database`; {} if not asked."""
    figures = [each for name, each in row["figures"].items() if name.partition(":")[0] == kind]
    assert len(figures) <= 1
    return figures[0] if figures else {}


def value_of(row: Mapping[str, Any], kind: str) -> Any:
    """Return the value of a figure, or its bound; None where there is none."""
    figure = figure_of(row, kind)
    return figure.get("high") if figure.get("low") is None else figure["low"]
