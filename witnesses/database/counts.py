"""What do the databases say? Each quantity's query, before and after, read-only."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Quantity
from witnesses.database.read_only import BATCH, TIMEOUT_S, DatabaseDown, asking
from witnesses.figure import Figure, Figures, Labels, no_data

BEFORE, AFTER = "before", "after"

_MOST_ROWS = 200_000


def take_rows(
    quantities: Mapping[str, Quantity],
    databases: Mapping[str, str],
    tenant: str,
    moment: str,
    folder: RunFolder,
) -> None:
    """Run each quantity's query once, and keep its rows or why there are none."""
    answers = {
        name: _take(*next(iter(quantity.database.items())), databases, tenant)
        for name, quantity in quantities.items()
        if quantity.database
    }
    content = json.dumps(answers, indent=1, default=str).encode()
    folder.write_answer(f"database/{moment}.json", content)


def _take(name: str, query: str, databases: Mapping[str, str], tenant: str) -> dict[str, Any]:
    try:
        return {"rows": list(rows_of_query(name, query, databases, tenant, _MOST_ROWS))}
    except DatabaseDown as error:
        return {"trouble": str(error)}


def rows_of_query(
    name: str,
    query: str,
    databases: Mapping[str, str],
    tenant: str,
    most: int,
    timeout_s: int = TIMEOUT_S,
) -> Iterator[list[Any]]:
    """Yield the rows of a query, in batches from the server. Raises DatabaseDown."""
    if name not in databases:
        raise DatabaseDown(f"the environment names no database {name!r}")
    statement = text(query)
    parameters = {"tenant": tenant} if "tenant" in statement.compile().params else {}
    try:
        with (
            asking(databases[name], timeout_s) as (connection, asked),
            closing(connection.execute(statement, parameters)) as rows,
        ):
            for number, row in enumerate(rows, start=1):
                if number > most:
                    raise DatabaseDown(f"its query gives more than {most:,} rows")
                if number % BATCH == 0:
                    asked.renew()
                yield _plain(row)
    except DatabaseDown as error:
        raise DatabaseDown(f"the database {name!r}: {error}") from error


def _plain(row: Sequence[Any]) -> list[Any]:
    if any(isinstance(value, bytes | memoryview) for value in row):
        raise DatabaseDown("its query gives bytes, which are neither a label nor a count")
    return list(row)


@dataclass(frozen=True)
class DatabaseEvidence:
    """The rows of every quantity's query, or its trouble, before and after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def figures(self, quantity: str, labels: int) -> Figures:
        """Return the increases of a quantity; a row is `labels` label values and the count.

        Rows with the same label values are added up.
        """
        before, after = self.before.get(quantity), self.after.get(quantity)
        if before is None or after is None:
            return no_data("the database was not read after the run")
        trouble = before.get("trouble") or after.get("trouble")
        if trouble:
            return no_data(trouble)
        try:
            counts_before = _counts(before["rows"], labels)
            counts_after = _counts(after["rows"], labels)
        except (ValueError, TypeError, IndexError):
            return no_data(f"its query must give {labels} label columns and a count")
        return Figures(_grown(counts_before, counts_after), Figure(0.0))

    def before_by_labels(self, quantity: str, labels: int) -> dict[Labels, float] | None:
        """Return a quantity's counts before the run, or None where they could not be read."""
        return _counts_of(self.before.get(quantity), labels)

    def after_by_labels(self, quantity: str, labels: int) -> dict[Labels, float] | None:
        """Return a quantity's counts after the run, or None where they could not be read."""
        return _counts_of(self.after.get(quantity), labels)


def read_databases(folder: RunFolder) -> DatabaseEvidence:
    """Read the rows that a run took; what is missing is said by the figures."""
    path = folder.witnesses / "database"
    return DatabaseEvidence(_read(path / f"{BEFORE}.json"), _read(path / f"{AFTER}.json"))


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _counts_of(answer: Mapping[str, Any] | None, labels: int) -> dict[Labels, float] | None:
    try:
        return _counts(answer["rows"], labels) if answer else None
    except (KeyError, ValueError, TypeError):
        return None


def _counts(rows: list[list[Any]], labels: int) -> dict[Labels, float]:
    if any(len(row) != labels + 1 for row in rows):
        raise ValueError(rows)
    counts: dict[Labels, float] = {}
    for *values, count in rows:
        if isinstance(count, bool):
            raise TypeError(count)
        key = label_values(values)
        # sum() of no rows is NULL: nothing was counted.
        counts[key] = counts.get(key, 0.0) + (0.0 if count is None else float(count))
    if not all(map(math.isfinite, counts.values())):
        raise ValueError(counts)
    return counts


def label_values(values: list[Any]) -> Labels:
    """Return a row's label values as the metrics would have them: NULL is the empty one."""
    return tuple("" if value is None else str(value) for value in values)


def _grown(before: dict[Labels, float], after: dict[Labels, float]) -> dict[Labels, Figure]:
    return {
        labels: Figure(after.get(labels, 0.0) - before.get(labels, 0.0))
        for labels in before | after
    }
