"""Tests of the schema migration at start."""

import json
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL, MetaData, create_engine, inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from reference_services.common.database import Database
from reference_services.common.migration import migrate
from reference_services.common.settings import StartupError
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.reference_services.conftest import NewDatabases
from tests.reference_services.databases import (
    SERVICES,
    Databases,
    postgresql_databases,
    read_rows,
)
from tests.reference_services.processes import environ_of
from tests.reference_services.services import (
    cards_service,
    make_cards,
    onboarding_service,
    use_cards,
    workflow_service,
)

FEW_STARTS, MANY_STARTS = 4, 8

THIRD = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("cards", sa.Column("rating", sa.Integer, nullable=False, server_default="3"))
    op.create_table("ratings", sa.Column("card_id", sa.String(36), primary_key=True))
"""
FAILING = THIRD + '    op.execute("INSERT INTO nowhere VALUES (1)")\n'

NOTING = """
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    settings = "current_setting('statement_timeout') AS a, current_setting('lock_timeout') AS b"
    op.execute(f"CREATE TABLE settings AS SELECT {settings}")
"""

# Forked after the imports, so that all begin at the same time.
START_TOGETHER = """
import os, sys, traceback
from pathlib import Path
import alembic.command
from reference_services.common.database import Database
from reference_services.common.migration import migrate

url, service, revisions, times = sys.argv[1:]
waiting, signal = os.pipe()
children = []
for _ in range(int(times)):
    child = os.fork()
    if not child:
        os.close(signal)
        os.read(waiting, 1)
        try:
            database = Database(url)
            migrate(database, service, Path(revisions))
            database.close()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    children.append(child)
os.close(signal)
for child in children:
    os.waitpid(child, 0)
"""


def revisions_of(service: str) -> Path:
    return ROOT / "reference_services" / service / "migrations"


def tables_of(service: str) -> MetaData:
    found: MetaData = import_module(f"reference_services.{service}.store").tables
    return found


def start(url: str, service: str, revisions: Path | None = None) -> None:
    database = Database(url)
    try:
        migrate(database, service, revisions or revisions_of(service))
    finally:
        database.close()


def execute(url: str, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def differences(url: str, service: str) -> list[Any]:
    def is_ours(name: str | None, kind: str, *_: object) -> bool:
        return not (kind == "table" and str(name).endswith("_schema_version"))

    with create_engine(url, poolclass=NullPool).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, tables_of(service)))


def schema(url: str) -> dict[str, Any]:
    """Describe every table, with its keys and indexes."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        inspector = inspect(connection)
        return {
            table: (
                str(inspector.get_columns(table)),
                inspector.get_pk_constraint(table)["constrained_columns"],
                inspector.get_unique_constraints(table),
                inspector.get_indexes(table),
            )
            for table in sorted(inspector.get_table_names())
        }


@pytest.fixture
def revisions(tmp_path: Path) -> Path:
    """Copy the revisions of Cards, so that a test can add one."""
    return Path(shutil.copytree(revisions_of("cards"), tmp_path / "revisions"))


def test_the_revisions_lead_to_the_schema_that_the_code_names(databases: Databases) -> None:
    for service in SERVICES:
        url = databases.url_of(service)
        assert differences(url, service)
        start(url, service)
        assert differences(url, service) == []
        own = {f"{service}_schema_version", *tables_of(service).tables}
        assert schema(url).keys() == own


def test_keys_of_the_migrated_schema_are_those_of_the_code(databases: Databases) -> None:
    """Compares what Alembic does not: primary keys and the order of columns in an index."""
    migrated, declared = databases.url_of("cards"), databases.url_of("workflow")
    for service in SERVICES:
        start(migrated, service)
        tables_of(service).create_all(create_engine(declared, poolclass=NullPool))
    found, wanted = schema(migrated), schema(declared)
    assert len(wanted) == 6
    assert {table: found[table][1:] for table in wanted} == {
        table: description[1:] for table, description in wanted.items()
    }


def test_a_second_start_changes_nothing(databases: Databases) -> None:
    url = databases.url_of("cards")
    with cards_service(databases) as cards:
        make_cards(cards, "11111111-1111-4111-8111-111111111111")
        rows = cards.rows("SELECT * FROM cards ORDER BY card_id")
    before = schema(url)
    with cards_service(databases) as cards:
        assert cards.rows("SELECT * FROM cards ORDER BY card_id") == rows
    assert schema(url) == before
    assert read_rows(url, "SELECT version_num FROM cards_schema_version") == [("0002",)]


def start_together(url: str, service: str, starts: int) -> str:
    """Migrate in several processes at once and return their error output."""
    arguments = [url, service, str(revisions_of(service)), str(starts)]
    return subprocess.run(
        [sys.executable, "-c", START_TOGETHER, *arguments],
        env=environ_of(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stderr


@pytest.mark.core
@pytest.mark.long
def test_processes_that_start_at_once_on_an_empty_database_all_come_up(
    databases: Databases,
) -> None:
    url = databases.url_of("cards")
    assert start_together(url, "cards", FEW_STARTS) == ""
    assert differences(url, "cards") == []
    assert read_rows(url, "SELECT version_num FROM cards_schema_version") == [("0002",)]


def test_a_first_start_on_sqlite_waits_for_another_writer(sqlite: Databases) -> None:
    """SQLite fails at once when the mode of a file is changed during a write."""
    url = sqlite.url_of("cards")
    writer = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    with closing(writer), ThreadPoolExecutor() as pool:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("CREATE TABLE other (x)")
        started = pool.submit(start, url, "cards")
        assert not wait([started], timeout=0.2).done
        writer.execute("COMMIT")
        started.result()
    assert read_rows(url, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_processes_that_start_at_once_come_up_every_time(new_databases: NewDatabases) -> None:
    for _ in range(10):
        with new_databases() as databases:
            for service in SERVICES:
                url = databases.url_of(service)
                assert start_together(url, service, MANY_STARTS) == ""
                assert differences(url, service) == []


def test_an_upgrade_keeps_every_row(databases: Databases, revisions: Path, tenant: str) -> None:
    url = databases.url_of("cards")
    with cards_service(databases) as cards:
        card_ids = make_cards(cards, tenant)
        use_cards(cards, tenant, card_ids, "run-1")
        rows = {table: cards.rows(f"SELECT * FROM {table}") for table in tables_of("cards").tables}
    (revisions / "0003_ratings.py").write_text(THIRD)
    start(url, "cards", revisions)
    assert read_rows(url, "SELECT version_num FROM cards_schema_version") == [("0003",)]
    assert read_rows(url, "SELECT DISTINCT rating FROM cards") == [(3,)]
    assert len(rows["cards"]) == len(rows["card_usage"]) == 4
    for table, kept in rows.items():
        now = read_rows(url, f"SELECT * FROM {table}")
        assert [row[: len(kept[0])] if kept else row for row in now] == kept


def test_rows_from_before_the_trace_ids_stay_and_new_ones_are_traced(
    databases: Databases, revisions: Path, tenant: str
) -> None:
    url = databases.url_of("cards")
    (revisions / "0002_trace_ids.py").rename(revisions.parent / "later.py")
    start(url, "cards", revisions)
    execute(
        url,
        "INSERT INTO card_usage (workflow_id, card_id, tenant_id, card_type, source, used_at)"
        f" VALUES ('run-0', 'card-0', '{tenant}', 'voice', 'workflow', CURRENT_TIMESTAMP)",
    )
    with cards_service(databases) as cards:
        use_cards(cards, tenant, make_cards(cards, tenant), "run-1")
        used = cards.rows("SELECT workflow_id, trace_id FROM card_usage ORDER BY usage_id")
    assert used[0] == ("run-0", None)
    assert len(used) == 5
    assert all(trace for _, trace in used[1:])


def test_a_revision_that_fails_leaves_nothing_behind(databases: Databases, revisions: Path) -> None:
    url = databases.url_of("cards")
    start(url, "cards")
    before = schema(url)
    (revisions / "0003_ratings.py").write_text(FAILING)
    with pytest.raises(StartupError, match=r"cannot reach or migrate .*nowhere"):
        start(url, "cards", revisions)
    assert schema(url) == before
    assert read_rows(url, "SELECT version_num FROM cards_schema_version") == [("0002",)]


def test_a_first_start_that_fails_leaves_an_empty_database(
    databases: Databases, revisions: Path
) -> None:
    (revisions / "0003_ratings.py").write_text(FAILING)
    with pytest.raises(StartupError):
        start(databases.url_of("cards"), "cards", revisions)
    assert schema(databases.url_of("cards")) == {}


def test_a_service_runs_on_a_newer_schema_and_logs_a_warning(
    databases: Databases, revisions: Path, tenant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The previous release keeps working, which makes a rollback possible."""
    url = databases.url_of("cards")
    (revisions / "0003_ratings.py").write_text(THIRD)
    start(url, "cards", revisions)
    with cards_service(databases) as cards:
        assert len(make_cards(cards, tenant)) == 4
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (warning,) = [line for line in lines if "schema" in line["event"]]
    assert (warning["level"], warning["event"], warning["schema"]) == (
        "WARNING",
        "schema is newer than this code",
        "0003",
    )
    assert read_rows(url, "SELECT version_num FROM cards_schema_version") == [("0003",)]


@pytest.mark.parametrize("noted", ["c0ffee", "0000"])
def test_an_unknown_revision_is_reported_in_one_sentence(databases: Databases, noted: str) -> None:
    url = databases.url_of("cards")
    start(url, "cards")
    execute(url, f"UPDATE cards_schema_version SET version_num = '{noted}'")
    with pytest.raises(StartupError, match="unknown schema revision") as raised:
        start(url, "cards")
    assert "\n" not in str(raised.value)
    assert "cards_schema_version" in str(raised.value)


def test_a_foreign_table_of_the_same_name_is_not_touched(databases: Databases) -> None:
    url = databases.url_of("cards")
    execute(url, "CREATE TABLE cards (mine INTEGER)", "INSERT INTO cards VALUES (7)")
    with pytest.raises(StartupError, match="already exists"):
        start(url, "cards")
    assert read_rows(url, "SELECT mine FROM cards") == [(7,)]
    with pytest.raises((OperationalError, ProgrammingError)):
        read_rows(url, "SELECT * FROM card_usage")


def test_three_services_share_one_postgresql_database(postgresql: URL, tenant: str) -> None:
    with postgresql_databases(postgresql) as separate:
        shared = Databases(dict.fromkeys(SERVICES, separate.url_of("cards")))
        with (
            cards_service(shared) as cards,
            onboarding_service(shared, CARDS_URL=cards.url),
            workflow_service(shared, CARDS_URL=cards.url),
        ):
            assert len(make_cards(cards, tenant)) == 4
        tables = {name for service in SERVICES for name in tables_of(service).tables}
        versions = {f"{service}_schema_version" for service in SERVICES}
        assert schema(shared.url_of("cards")).keys() == tables | versions
        with cards_service(shared) as cards:
            assert cards.rows("SELECT count(*) FROM cards") == [(4,)]


def test_a_migration_may_take_its_time_and_waits_for_no_table_for_long(
    postgresql: URL, revisions: Path
) -> None:
    (revisions / "0003_settings.py").write_text(NOTING)
    with postgresql_databases(postgresql) as databases:
        url = databases.url_of("cards")
        start(url, "cards", revisions)
        assert read_rows(url, "SELECT * FROM settings") == [("0", "3s")]


@pytest.mark.long
def test_a_start_waits_for_another_ones_migration(postgresql: URL) -> None:
    """Longer than the default lock timeout of 3 s."""
    with postgresql_databases(postgresql) as databases, ThreadPoolExecutor() as pool:
        url = databases.url_of("cards")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(20250101)"))
            started = pool.submit(start, url, "cards")
            assert not wait([started], timeout=4).done
        started.result()
        assert differences(url, "cards") == []
