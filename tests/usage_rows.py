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
    return _value(figure_of(row, kind))


def values_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of each witness, or its bound: `database:cards/log` is one."""
    return {name: _value(figure) for name, figure in row["figures"].items()}


def _value(figure: Mapping[str, Any]) -> Any:
    return figure.get("high") if figure.get("low") is None else figure["low"]
