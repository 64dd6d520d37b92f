"""The queries of a quantity: one for a database, or one for each of several stores in it.

database: {billing: SELECT …}                          database:billing
database: {billing: {log: SELECT …, totals: SELECT …}} database:billing/log, …/totals
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from config.models import UNION_TAGS
from scenarios.language.identifiers import Name

_MAPPING, _VALUE = UNION_TAGS

QueryOrStores = Annotated[
    Annotated[dict[Name, str], Field(min_length=1), Tag(_MAPPING)]
    | Annotated[str, Tag(_VALUE)],
    Discriminator(lambda value: _MAPPING if isinstance(value, dict) else _VALUE),
]  # fmt: skip
Queries = dict[str, QueryOrStores]


@dataclass(frozen=True, slots=True)
class Store:
    """Where a database keeps a count, and the query for it; `part` is "" where it has one store."""

    database: str
    part: str
    query: str

    @property
    def name(self) -> str:
        """The database, and which of its stores, as in `billing/log`."""
        return f"{self.database}/{self.part}" if self.part else self.database

    @property
    def place(self) -> tuple[str, ...]:
        """Where its query stands below the key."""
        return (self.database, self.part) if self.part else (self.database,)


def stores_of(queries: Mapping[str, str | Mapping[str, str]] | None) -> tuple[Store, ...]:
    """Return the stores of a quantity's queries, in the order in which they are written."""
    return tuple(_stores(queries or {}))


def _stores(queries: Mapping[str, str | Mapping[str, str]]) -> Iterator[Store]:
    for database, query in queries.items():
        if isinstance(query, str):
            yield Store(database, "", query)
        else:
            yield from (Store(database, part, each) for part, each in query.items())
