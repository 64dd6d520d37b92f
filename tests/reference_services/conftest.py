"""Fixtures of the service tests: databases, the running stack and a tenant per test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from tests.reference_services.databases import (
    DIALECTS,
    Databases,
    postgresql_databases,
    sqlite_databases,
)
from tests.reference_services.services import (
    Service,
    Stack,
    cards_service,
    onboarding_service,
    workflow_service,
)

NewDatabases = Callable[[], AbstractContextManager[Databases]]


@pytest.fixture(scope="session", params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    """Return each dialect in turn."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def new_databases(
    request: pytest.FixtureRequest, dialect: str, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabases:
    """Return a factory of empty databases, for each dialect."""
    if dialect == "postgresql":
        server: URL = request.getfixturevalue("postgresql")
        return lambda: postgresql_databases(server)
    return lambda: nullcontext(sqlite_databases(tmp_path_factory.mktemp("databases")))


@contextmanager
def _running_stack(databases: Databases) -> Iterator[Stack]:
    with (
        cards_service(databases) as cards,
        onboarding_service(databases, CARDS_URL=cards.url) as onboarding,
        workflow_service(databases, CARDS_URL=cards.url) as workflow,
    ):
        yield Stack(onboarding, cards, workflow)


@pytest.fixture(scope="session")
def sqlite_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the three services on SQLite."""
    with _running_stack(sqlite_databases(tmp_path_factory.mktemp("databases"))) as running:
        yield running


@pytest.fixture(scope="session")
def postgresql_stack(postgresql: URL) -> Iterator[Stack]:
    """Run the three services on PostgreSQL."""
    with postgresql_databases(postgresql) as databases, _running_stack(databases) as running:
        yield running


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, dialect: str) -> Stack:
    """Return the three services, which run once per dialect; each test uses its own tenant.

    pytest ends a fixture with parameters whenever the next test has another one, so that the
    services are fixtures without.
    """
    running: Stack = request.getfixturevalue(f"{dialect}_stack")
    return running


@pytest.fixture
def databases(new_databases: NewDatabases) -> Iterator[Databases]:
    """Return empty databases of each dialect, for services that only this test uses."""
    with new_databases() as fresh:
        yield fresh


@pytest.fixture
def sqlite(tmp_path: Path) -> Databases:
    """Return empty databases where the dialect does not matter."""
    return sqlite_databases(tmp_path)


@pytest.fixture(scope="session")
def cards(stack: Stack) -> Service:
    """Return Cards."""
    return stack.cards


@pytest.fixture(scope="session")
def onboarding(stack: Stack) -> Service:
    """Return Onboarding."""
    return stack.onboarding


@pytest.fixture(scope="session")
def workflow(stack: Stack) -> Service:
    """Return Workflow."""
    return stack.workflow


@pytest.fixture
def tenant() -> str:
    """Return the id of a new tenant."""
    return str(uuid4())
