"""A database of uses, and the run that collects its rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scenarios.evidence.run_folder import RunFolder
from tests.reference_services.databases import read_rows
from tests.witnesses.counted_quantities import TENANT, counted
from tests.witnesses.database.queries import write
from witnesses.database.collector import DatabaseCollector
from witnesses.database.reading import read_databases
from witnesses.figure import Figure, Figures
from witnesses.model import CountedQuantity, Moment

BY_KIND = "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind"


def uses_of(query: str = BY_KIND, **settings: Any) -> CountedQuantity:
    """Return the uses by kind as a query of the database `main` counts them."""
    return counted(**{"by": ["kind"], "database": {"main": query}, **settings})


class ShopDatabase:
    """A database with a table of uses, known to the environment as `main`."""

    def __init__(self, place: Path, url: str) -> None:
        self.url = url
        self.folder = RunFolder(place / "run")
        self.write("CREATE TABLE uses (tenant TEXT, kind TEXT)")

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def write(self, *statements: str) -> None:
        write(self.url, *statements)

    def content(self) -> object:
        """Return all that is stored: of SQLite its file, of a server its tables and their rows."""
        if self.is_sqlite:
            return Path(self.url.removeprefix("sqlite:///")).read_bytes()
        return read_rows(self.url, "SHOW TABLES"), read_rows(self.url, "SELECT * FROM uses")

    def use(self, kind: str, tenant: str = TENANT) -> None:
        self.write(f"INSERT INTO uses VALUES ('{tenant}', '{kind}')")

    def collect(
        self, moment: Moment, query: str = BY_KIND, databases: Mapping[str, str] | None = None
    ) -> None:
        urls = {"main": self.url} if databases is None else databases
        DatabaseCollector(urls, [uses_of(query)], TENANT).collect(moment, self.folder)

    def figures(self) -> Figures:
        (reading,) = read_databases(self.folder, ["main"])
        return reading.figures(uses_of())

    def collect_twice(
        self, query: str = BY_KIND, databases: Mapping[str, str] | None = None
    ) -> Figure:
        """Return the figure of tea of a run in which nothing changes."""
        for moment in Moment:
            self.collect(moment, query, databases)
        return self.figures().at(("tea",))
