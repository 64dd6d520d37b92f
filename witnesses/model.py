"""What a witness is: a source that keeps count of its own, and is asked before and after a run.

Collecting needs the network and leaves files; reading needs the files only. `collectors.py` lists
the collectors of an environment, `readings.py` the readings of a run folder.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.quantities import Quantity
from scenarios.language.selector import Selector, parse_selector
from scenarios.language.templates import compile_text
from witnesses.figure import Figures
from witnesses.precision import WHOLE, Precision


class Moment(StrEnum):
    """When a witness is asked: before the first request, or after the last response."""

    BEFORE = "before"
    AFTER = "after"


class RecordKind(StrEnum):
    """What a witness keeps, and so what its standing alone means."""

    COUNTER = "counter"
    RECORDS = "records"
    EVENTS = "events"  # aggregates of the events that it was sent, as a usage API has them


@dataclass(frozen=True)
class CountedQuantity:
    """A quantity of the scenario as one run counts it, and how finely.

    `is_native` means that its series are native histograms, whose samples have many buckets each.
    """

    name: str
    settings: Quantity
    tenant: str
    is_exclusive: bool
    precision: Precision = WHOLE
    is_native: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it is counted by, in order."""
        return tuple(self.settings.by)

    @property
    def metrics(self) -> frozenset[str]:
        """The metric that its counters rest on, or none."""
        return frozenset({self.selector.metric} if self.settings.prometheus else ())

    @property
    def has_other_traffic(self) -> bool:
        """Whether others may count on its counters all the time."""
        return self.settings.shared and not self.is_exclusive

    @cached_property
    def selector(self) -> Selector:
        """The series that it selects in this run."""
        return parse_selector(self.selector_text)

    @property
    def selector_text(self) -> str:
        """The PromQL selector of its series in this run."""
        return str(compile_text(self.settings.prometheus or "")({"tenant": self.tenant}))


@dataclass(frozen=True, slots=True)
class Source:
    """Where a witness keeps its count of a quantity, for people.

    `places` are what was asked, by name and address: services and their metrics addresses, jobs of
    Prometheus and their instances, a database without its address. `query` is the selector or the
    SQL.
    """

    places: tuple[tuple[str, str], ...]
    query: str


class Reading(Protocol):
    """What one witness reported over a run, read from its folder."""

    @property
    def name(self) -> str:
        """Its column in the balance and its key in result.json, as in `database:billing`."""
        ...

    @property
    def keeps(self) -> RecordKind:
        """What it keeps."""
        ...

    @property
    def is_cut_short(self) -> bool:
        """Whether it was asked before the run, and not after it."""
        ...

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the scenario asks it for a quantity."""
        ...

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity by the values of its labels."""
        ...

    def source(self, quantity: CountedQuantity) -> Source:
        """Return where it keeps its count of a quantity."""
        ...


class Collector(Protocol):
    """Asks one witness, and writes its responses verbatim into the run folder."""

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Ask at a moment. What cannot be had is written down with its reason."""
        ...
