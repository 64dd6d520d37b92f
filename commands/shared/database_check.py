"""Check whether a database can be read, and with no more rights than that."""

from sqlalchemy import Connection, text

from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from witnesses.database.read_only import DatabaseDown, read_only

_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
# Passwords, the server's files and programs: more than any count needs.
_MAY_READ_ALL = text(
    "SELECT pg_has_role('pg_read_all_data', 'MEMBER') "
    "OR pg_has_role('pg_read_server_files', 'MEMBER') "
    "OR pg_has_role('pg_execute_server_program', 'MEMBER') "
    "OR has_table_privilege('pg_catalog.pg_authid', 'SELECT')"
)
_MAY_WRITE = text(
    "SELECT coalesce(bool_or(has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE')), false) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


def check_database(name: str, url: str) -> Finding:
    """Return a finding on a database of an environment, by its name and URL."""
    verdict, remedy = Verdict.PASS, ""
    try:
        with read_only(url) as connection:
            connection.scalar(text("SELECT 1"))
            observed = "it responds"
            if connection.dialect.name == "postgresql":
                observed += _excess_rights(connection)
    except DatabaseDown as error:
        verdict, observed = Verdict.INCONCLUSIVE, f"the database {name!r}: {error}"
        remedy = "Correct its address in the environment's file."
    return Finding(
        finding_id("health", "database", name), f"database {name} can be read", Kind.HEALTH,
        verdict, name, observed, remedy,
    )  # fmt: skip


def _excess_rights(connection: Connection) -> str:
    """Return what the role may do beyond reading the counted tables."""
    if connection.scalar(_IS_SUPERUSER):
        return "; its role is a superuser, which may run programs on the server"
    rights = (
        (_MAY_WRITE, "; its role may write, too"),
        (_MAY_READ_ALL, "; its role may read passwords, files or every table"),
    )
    return "".join(words for query, words in rights if connection.scalar(query))
