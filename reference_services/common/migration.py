"""Upgrades the database schema to the newest Alembic revision when a service starts.

The folder `migrations/` of a service holds its revisions: `0001_….py`, `0002_….py`, numbered as
named. The table `<service>_schema_version` holds the revision of a database.

Revisions only add columns and tables, because the previous release keeps serving during a
deployment and serves again after a rollback. It starts on a newer schema and logs a warning.
"""

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from reference_services.common.database import Database
from reference_services.common.json_logs import logger
from reference_services.common.settings import StartupError

# Any fixed number: the advisory lock under which one process at a time changes a schema.
_LOCK_ID = 20_250_101
# Wait for another process's migration. Locks on tables keep the short default timeout: while a
# migration waits for a table, all later statements on that table wait too.
_LOCK_TIMEOUT = "60s"

_ENVIRONMENT = Path(__file__).parent / "migrations"


def revisions_of(service: str) -> Path:
    """Return the folder that holds the revisions of a service."""
    return Path(__file__).parents[1] / service / "migrations"


def migrate(database: Database, service: str, revisions: Path) -> None:
    """Upgrade the schema to the newest revision; safe to run in several processes at once.

    The upgrade is one transaction. Raises StartupError when the database cannot be reached or
    holds an unknown revision.
    """
    newest = max(path.name[:4] for path in revisions.glob("[0-9]*.py"))
    version_table = f"{service}_schema_version"
    try:
        with database.read_transaction() as connection:
            version = _version(connection, version_table)
        if version is not None and version.isdigit() and version >= newest:
            if version > newest:
                logger.warning(
                    "schema is newer than this code", extra={"fields": {"schema": version}}
                )
            return
        with database.write_transaction() as connection:
            _upgrade(connection, version_table, revisions)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise StartupError(
            f"cannot reach or migrate the database of {service} ({reason}): "
            "check DATABASE_URL and that its server is running"
        ) from error


def _version(connection: Connection, version_table: str) -> str | None:
    if not inspect(connection).has_table(version_table):
        return None
    version = connection.scalar(text(f"SELECT version_num FROM {version_table}"))  # noqa: S608
    return str(version)


def _upgrade(connection: Connection, version_table: str, revisions: Path) -> None:
    # Imported here: it takes half a second, which a start without an upgrade can save.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        # Changing a large table may take longer than the default statement timeout.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_ID)))
        connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(revisions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, version_table=version_table)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartupError(
            f"unknown schema revision in {version_table} ({error}): "
            "check that DATABASE_URL names a database of this service"
        ) from error
