"""Queries of the database `shop`, sent as the database witness sends them."""

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from witnesses.database.collector import rows_of_query

COUNTED = "SELECT count(*) FROM uses"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def query_shop(url: str, query: str, max_rows: int = 100) -> list[list[object]]:
    """Return the rows of a query. Raises DatabaseDown."""
    return list(rows_of_query("shop", query, {"shop": url}, "acme", max_rows))


def write(url: str, *statements: str) -> None:
    """Change a database, as its service would."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
