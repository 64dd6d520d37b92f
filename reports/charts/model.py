"""A chart as it is computed, and as it stands on the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Section(StrEnum):
    """The sections of the page that have charts over time; the values are their ids."""

    AVAILABILITY = "availability"
    FLOW = "flow"
    LATENCY = "latency"
    SERVER = "server"
    BALANCE = "balance"
    VALIDITY = "validity"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as computed: a Vega-Lite specification, one sentence, and the data as text.

    `highlight` is what of it belongs on the first screen, if anything does.
    """

    title: str
    sentence: str
    spec: Mapping[str, Any]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    highlight: str = ""


@dataclass(frozen=True, slots=True)
class NotDrawn:
    """A chart that has nothing to show, with the reason."""

    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart on the page; without `svg`, `reason` is why, and the data may still be there."""

    section: Section
    title: str
    sentence: str = ""
    svg: str = ""
    reason: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    highlight: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """All charts of a page; `reason` is why there are none at all."""

    pictures: tuple[Picture, ...] = ()
    reason: str = ""

    def of(self, section: Section) -> Iterable[Picture]:
        """Return the charts of a section, in order."""
        return [each for each in self.pictures if each.section is section]


NO_PICTURES = Pictures()
