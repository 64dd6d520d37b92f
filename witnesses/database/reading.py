"""Read the rows of each quantity's query: the increase between two results of one database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from scenarios.evidence.files import is_there, read_json
from scenarios.evidence.run_folder import RunFolder
from witnesses.figure import Figures, Reason, void_figures
from witnesses.model import CountedQuantity, Moment, RecordKind, Source
from witnesses.row_counts import Counts, counts_by_labels, increases

FOLDER = "database"
LATER = "later"  # collected again after the run

# By quantity, then by store: {"rows": [[label value, …, count], …]} or {"error": "…"}.
QueryResults = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class DatabaseReading:
    """What one database, or one of its stores such as `billing/log`, reported over a run.

    `first_after` is its first report after the run, if it was asked again.
    """

    store: str
    before: QueryResults
    after: QueryResults
    first_after: QueryResults = field(default_factory=dict)
    keeps: RecordKind = RecordKind.RECORDS

    @property
    def name(self) -> str:
        """Its column in the balance."""
        return f"database:{self.store}"

    @property
    def is_cut_short(self) -> bool:
        """Whether it was asked before the run, and not after it."""
        return bool(self.before) and not self.after

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the quantity has a query for this store."""
        return any(each.name == self.store for each in quantity.settings.stores)

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity; rows with the same label values are added up."""
        before, after = self._result(self.before, quantity), self._result(self.after, quantity)
        if before is None or after is None:
            return void_figures(Reason.NOT_COLLECTED)
        error = before.get("error") or after.get("error")
        if error:
            return void_figures(Reason.DATABASE_DOWN, error)
        labels = len(quantity.labels)
        try:
            counts_before = counts_by_labels(before["rows"], labels)
            counts_after = counts_by_labels(after["rows"], labels)
        except (ValueError, TypeError, LookupError):
            expected = f"its query must return {labels} label columns and a count"
            return void_figures(Reason.QUERY_RESULT_INVALID, expected)
        first_after = self._counts(self.first_after, quantity.name, labels)
        return increases(
            counts_before, counts_after, first_after, quantity.precision, Reason.ROWS_REMOVED
        )

    def source(self, quantity: CountedQuantity) -> Source:
        """Return the store, and the query that it answered."""
        queries = {each.name: each.query for each in quantity.settings.stores}
        return Source(((self.store, ""),), queries.get(self.store, ""))

    def counts_at(self, moment: Moment, quantity: str, labels: int) -> Counts | None:
        """Return a quantity's counts at a moment, or None where they could not be read."""
        return self._counts(
            self.before if moment is Moment.BEFORE else self.after, quantity, labels
        )

    def _counts(self, results: QueryResults, quantity: str, labels: int) -> Counts | None:
        try:
            return counts_by_labels(results[quantity][self.store]["rows"], labels)
        except (LookupError, ValueError, TypeError):
            return None

    def _result(self, results: QueryResults, quantity: CountedQuantity) -> dict[str, Any] | None:
        result = results.get(quantity.name, {}).get(self.store)
        return result if isinstance(result, dict) else None


def read_databases(folder: RunFolder, stores: Iterable[str] = ()) -> tuple[DatabaseReading, ...]:
    """Read the rows that a run collected, by store; figures report what is missing.

    `stores` are those of the scenario: they have a reading even where nothing was collected.
    """
    path = folder.witnesses / FOLDER
    before, first_after = (_read(path / f"{moment}.json") for moment in Moment)
    is_later = is_collected(folder, LATER)
    after = _read(path / f"{LATER}.json") if is_later else first_after
    collected = (name for results in (before, after) for of in results.values() for name in of)
    names = dict.fromkeys(chain(stores, collected))
    first = first_after if is_later else {}
    return tuple(DatabaseReading(name, before, after, first) for name in names)


def is_collected(folder: RunFolder, moment: str) -> bool:
    """Return whether the databases were asked at a moment."""
    return is_there(folder.witnesses / FOLDER / f"{moment}.json")


def _read(path: Path) -> QueryResults:
    try:
        content = read_json(path, parse_float=Decimal)
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {name: of for name, of in content.items() if isinstance(of, dict)}
