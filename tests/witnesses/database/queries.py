"""Queries of the database `shop`, sent as the database witness sends them."""

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from witnesses.database.collector import rows_of_query

COUNTED = "SELECT count(*) FROM uses"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
# MariaDB ends a recursion by itself, after a thousand steps.
ENDLESS_IN_MARIADB = "SELECT count(*) FROM seq_1_to_1000000000 a, seq_1_to_1000000000 b"


def query_shop(url: str, query: str, max_rows: int = 100) -> list[list[object]]:
    """Return the rows of a query. Raises DatabaseDown."""
    return list(rows_of_query("shop", query, {"shop": url}, "acme", max_rows))


def endless(url: str) -> str:
    """Return a query of a database that never ends."""
    return ENDLESS_IN_MARIADB if url.startswith("mysql") else ENDLESS


def write(url: str, *statements: str) -> None:
    """Change a database, as its service would."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
