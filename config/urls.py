"""Validate the URLs that requests are sent to: http or https, with a host, without secrets.

URLs appear in reports. One that may hold a secret is refused, and the message does not quote it.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from config.requirements import matches

_DATABASES = ("postgresql", "postgres", "mysql", "mysql2", "mariadb", "sqlite")
_SUPPORTED = (
    "PostgreSQL, MySQL, MariaDB and SQLite are; write postgresql://…, mysql://… or sqlite:///…"
)
_OTHER_DATABASES = {
    "bigquery": "BigQuery",
    "cassandra": "Cassandra",
    "clickhouse": "ClickHouse",
    "clickhousedb": "ClickHouse",
    "databricks": "Databricks",
    "db2": "Db2",
    "duckdb": "DuckDB",
    "dynamodb": "DynamoDB",
    "ibm_db_sa": "Db2",
    "mongodb": "MongoDB",
    "mssql": "SQL Server",
    "oracle": "Oracle",
    "redis": "Redis",
    "rediss": "Redis",
    "snowflake": "Snowflake",
    "sqlserver": "SQL Server",
    "trino": "Trino",
}
# Those that can be asked in another way.
_OTHER_WAYS = {
    "clickhouse": "ask its HTTP interface as an API: apis: here, and api: in a quantity",
    "clickhousedb": "ask its HTTP interface as an API: apis: here, and api: in a quantity",
    "cockroachdb": "write postgresql://… for CockroachDB, which speaks its protocol",
    "redshift": "write postgresql://… for Redshift, which speaks its protocol",
}
_SPACE = re.compile(r"\s")
_PLAIN = r"[^?#]*"


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of a URL, the port also where it is the scheme's own.

    >>> origin_of("https://shop.example/metrics") == origin_of("https://SHOP.example:443")
    True
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _url(text: str) -> str:
    if "@" in text:
        raise ValueError("a URL must not contain a user and password; use a header")
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0 and not _SPACE.search(text)
    except ValueError:  # the port is no number up to 65535, or a bracket has no counterpart
        has_host = False
    if not text.startswith(("http://", "https://")) or not has_host:
        raise ValueError(f"{text!r} is not an address; write http://… or https://…")
    if not text.isascii():
        raise ValueError(f"{text!r} is not ASCII; write its host in Punycode, xn--…")
    return text


def database_address(url: str) -> str:
    """Return the address of a database without user, password and query.

    >>> database_address("postgresql+psycopg://me:secret@db.example:5432/cards?sslmode=require")
    'postgresql://db.example:5432/cards'
    >>> database_address("sqlite:////var/cards.db")
    'sqlite:////var/cards.db'
    """
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0].rpartition("@")[2]
    return f"{scheme.partition('+')[0]}://{place}"


def _without_slash(text: str) -> str:
    """Return a URL that paths are appended to."""
    return text.rstrip("/")


def _database(text: str) -> str:
    # The text may contain a password: it is not quoted.
    scheme, separator, rest = text.partition("://")
    kind = scheme.lower().partition("+")[0]
    if not separator or kind not in _DATABASES:
        raise ValueError(_unsupported(kind if separator else ""))
    if scheme.startswith("sqlite") and rest in ("", "/", "/:memory:"):
        raise ValueError("the database URL names no file; write sqlite:///…")
    return text


def _unsupported(kind: str) -> str:
    """Return why a kind of database is refused; it is quoted only if it is known."""
    if kind.startswith("jdbc:"):
        return "a database URL has no jdbc: at its start; write postgresql://… or mysql://…"
    name, way = _OTHER_DATABASES.get(kind), _OTHER_WAYS.get(kind, "")
    if name:
        return f"a database of {name} is not supported: {way or _SUPPORTED}"
    return way or "not a database URL; write postgresql://…, mysql://… or sqlite:///…"


Url = Annotated[str, AfterValidator(_url)]
# A secret may stand in the query: the text is not quoted.
BaseUrl = Annotated[
    str,
    matches(_PLAIN, "a URL must not contain ? or #; use a header"),
    AfterValidator(_url),
    AfterValidator(_without_slash),
]
PrometheusUrl = Annotated[
    str,
    matches(
        r"(?!.*/(?:api/v1(?:/.*)?|graph|metrics)/*$).*",
        "write the base of /api/v1, without /api/v1, /graph or /metrics at its end",
    ),
    matches("[^@]*", "a URL must not contain a user and password; use basic_auth"),
    matches(_PLAIN, "a URL must not contain ? or #; use headers or bearer_token"),
    AfterValidator(_url),
    AfterValidator(_without_slash),
]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
UrlPath = Annotated[str, matches(r"(?s)/.*", "{0!r} is not a path; write /…")]
