"""Fixtures of the service tests: databases, the running stack and a tenant per test."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from tests.reference_services.databases import (
    DIALECTS,
    Databases,
    postgresql_databases,
    postgresql_server,
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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """Run one PostgreSQL server for all tests that need it."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session", params=DIALECTS)
def new_databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabases:
    """Return a factory of empty databases, for each dialect."""
    if request.param == "postgresql":
        server: URL = request.getfixturevalue("postgresql")
        return lambda: postgresql_databases(server)
    return lambda: nullcontext(sqlite_databases(tmp_path_factory.mktemp("databases")))


@pytest.fixture(scope="session")
def stack(new_databases: NewDatabases) -> Iterator[Stack]:
    """Run the three services once per dialect for all tests; each test uses its own tenant."""
    with (
        new_databases() as databases,
        cards_service(databases) as cards,
        onboarding_service(databases, CARDS_URL=cards.url) as onboarding,
        workflow_service(databases, CARDS_URL=cards.url) as workflow,
    ):
        yield Stack(onboarding, cards, workflow)


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
