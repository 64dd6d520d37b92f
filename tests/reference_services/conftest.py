"""What every test of the services is given: the running stack, and a tenant of its own."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.reference_services.services import (
    Service,
    Stack,
    cards_service,
    onboarding_service,
    quick_caller,
    workflow_service,
)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run the three services for all tests; each test is a tenant of its own."""
    folder = tmp_path_factory.mktemp("stack")
    with (
        cards_service(folder) as cards,
        onboarding_service(folder, quick_caller(cards.url)) as onboarding,
        workflow_service(folder, quick_caller(cards.url)) as workflow,
    ):
        yield Stack(onboarding, cards, workflow)


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
    """Name a tenant that nobody else is."""
    return str(uuid4())
