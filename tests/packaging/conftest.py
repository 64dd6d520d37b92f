"""The installed program, for the tests of a session."""

import pytest

from tests.packaging.installation import Installation, install_program


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Build and install the program once."""
    return install_program(tmp_path_factory.mktemp("installed"))
