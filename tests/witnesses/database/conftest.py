"""A real PostgreSQL server for the tests of the database witness."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.reference_services.databases import postgresql_server


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """Run one PostgreSQL server for all tests that need it."""
    with postgresql_server() as running:
        yield running
