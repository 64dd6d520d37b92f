"""The process that forks children with Locust ends with the tests."""

from collections.abc import Iterator

import pytest

from tests.scenarios.engine.locust_child import end_forking


@pytest.fixture(scope="session", autouse=True)
def _forking_ends() -> Iterator[None]:
    yield
    end_forking()
