"""Check whether a database can be read, and with no more rights than that."""

from sqlalchemy import text

from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from witnesses.database.dialect import DatabaseDown
from witnesses.database.read_only import asking


def check_database(name: str, url: str) -> Finding:
    """Return a finding on a database of an environment, by its name and URL."""
    verdict, remedy = Verdict.PASS, ""
    try:
        with asking(url) as (connection, session):
            connection.scalar(text("SELECT 1"))
            observed = "it responds" + session.excess_rights(connection)
    except DatabaseDown as error:
        verdict, observed = Verdict.INCONCLUSIVE, f"the database {name!r}: {error}"
        remedy = "Correct its address in the environment's file."
    return Finding(
        finding_id("health", "database", name), f"database {name} can be read", Kind.HEALTH,
        verdict, name, observed, remedy,
    )  # fmt: skip
