"""Fixtures that run a test once per service."""

import pytest

from tests.reference_services.databases import SERVICES
from tests.reference_services.services import Service, Stack


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    """Name each service in turn."""
    return str(request.param)


@pytest.fixture
def service(stack: Stack, name: str) -> Service:
    """Return each service in turn."""
    found: Service = getattr(stack, name)
    return found
