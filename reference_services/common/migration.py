"""Is the database's schema the one that this code needs? If not, it is brought there at start.

A service's `migrations/` holds its revisions in order: `0001_….py`, `0002_….py`, each an Alembic
revision of that number. A database notes in `<service>_schema_version` which one it has.

Revisions only add, so that the release before goes on working: it serves during a deployment, and
again after a rollback. It starts on a newer schema, and says so in its log.
"""

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from reference_services.common.database import Database
from reference_services.common.json_logs import logger
from reference_services.common.settings import StartError

# Any fixed number: it names the lock under which one process at a time changes a schema.
_LOCK = 20_250_101
# How long a process waits for another one's migration. For a table it waits as briefly as ever:
# those who come after it would have to wait as well.
_TURN = "60s"

_ENVIRONMENT = Path(__file__).parent / "migrations"


def revisions_of(service: str) -> Path:
    """Return the folder of a service's revisions."""
    return Path(__file__).parents[1] / service / "migrations"


def migrate(database: Database, service: str, revisions: Path) -> None:
    """Bring the schema to the newest revision; several processes may do so at once.

    All of it happens in one transaction. Raises StartError when the database cannot be reached,
    or notes a revision that is none.
    """
    newest = max(path.name[:4] for path in revisions.glob("[0-9]*.py"))
    version_table = f"{service}_schema_version"
    try:
        with database.reading() as connection:
            version = _version(connection, version_table)
        if version is not None and version.isdigit() and version >= newest:
            if version > newest:
                logger.warning(
                    "the schema is newer than this code", extra={"fields": {"schema": version}}
                )
            return
        with database.writing() as connection:
            _upgrade(connection, version_table, revisions)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
        raise StartError(
            f"the database of {service} cannot be reached or migrated ({reason}): "
            "check DATABASE_URL and that its server runs"
        ) from error


def _version(connection: Connection, version_table: str) -> str | None:
    if not inspect(connection).has_table(version_table):
        return None
    version = connection.scalar(text(f"SELECT version_num FROM {version_table}"))  # noqa: S608
    return str(version)


def _upgrade(connection: Connection, version_table: str, revisions: Path) -> None:
    # Imported here: it takes half a second, and most starts have nothing to upgrade.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        # To wait for another process, and to change a large table, takes the time that it takes.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{_TURN}'"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        connection.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(revisions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, version_table=version_table)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(
            f"the database notes a revision of its schema that is none ({error}): "
            f"check that DATABASE_URL names a database of this service, and its {version_table}"
        ) from error
