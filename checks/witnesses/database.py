"""What do the databases say? Each quantity's query, before and after, read-only."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from checks.witnesses.figure import Figure, Figures, Labels, no_data
from scenarios.evidence import RunFolder
from scenarios.model import Quantity

BEFORE, AFTER = "before", "after"

_TIMEOUT_S = 5


class DatabaseDown(Exception):
    """The database gave no usable answer; the text says why."""


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
    if name not in databases:
        return {"trouble": f"the environment names no database {name!r}"}
    try:
        with read_only(databases[name]) as connection:
            parameters = {"tenant": tenant} if ":tenant" in query else {}
            rows = connection.execute(text(query), parameters).fetchall()
        return {"rows": [list(row) for row in rows]}
    except DatabaseDown as error:
        return {"trouble": f"the database {name!r}: {error}"}


@contextmanager
def read_only(url: str) -> Iterator[Connection]:
    """Connect so that nothing can be written. Raises DatabaseDown for whatever goes wrong."""
    try:
        engine = create_engine(_read_only_url(url), connect_args=_connect_arguments(url))
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise DatabaseDown("its address is not a database URL that can be used here") from error
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseDown(reason) from error
    finally:
        engine.dispose()


def _read_only_url(url: str) -> str:
    if _is_sqlite(url):
        return f"sqlite:///file:{quote(make_url(url).database or '')}?mode=ro&uri=true"
    return url


def _connect_arguments(url: str) -> dict[str, Any]:
    if _is_sqlite(url):
        return {"timeout": _TIMEOUT_S}
    options = f"-c default_transaction_read_only=on -c statement_timeout={_TIMEOUT_S}s"
    return {"options": options, "connect_timeout": _TIMEOUT_S}


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


@dataclass(frozen=True)
class DatabaseEvidence:
    """The rows of every quantity's query, or its trouble, before and after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def figures(self, quantity: str, labels: int) -> Figures:
        """Return the increases of a quantity; a row is `labels` label values and the count."""
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


def _counts(rows: list[list[Any]], labels: int) -> dict[Labels, float]:
    if any(len(row) != labels + 1 for row in rows):
        raise ValueError(rows)
    counts: dict[Labels, float] = {}
    for *values, count in rows:
        key = tuple("" if value is None else str(value) for value in values)
        counts[key] = counts.get(key, 0.0) + float(count)
    return counts


def _grown(before: dict[Labels, float], after: dict[Labels, float]) -> dict[Labels, Figure]:
    return {
        labels: Figure(after.get(labels, 0.0) - before.get(labels, 0.0))
        for labels in before | after
    }
