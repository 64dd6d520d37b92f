"""What all tests inherit: signals as a terminal delivers them, and the profiles of Hypothesis.

A background job of a shell without job control starts with SIGINT ignored, one of nohup with
SIGHUP ignored, and both pass that on to every process that they start. A test that sends such a
signal to a child needs it to be delivered: a handler set here is reset in the child, but an ignored
signal stays ignored.

Hypothesis has no deadline. It tries a few examples, the same in each run, except for
`make test-all`, which tries many, other ones in each run.
"""

import gc
import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Continue as if the signal were ignored."""


for _number, _handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, _ignore),
    (signal.SIGQUIT, _ignore),
):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, _handler)

settings.register_profile(
    "thorough",
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "quick", settings.get_profile("thorough"), derandomize=True, max_examples=25
)
settings.load_profile("quick")


gc.disable()  # what is imported and collected stays to the end


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported and collected."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """Run one PostgreSQL server for all tests of this process that need it."""
    from tests.reference_services.databases import postgresql_server

    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[URL]:
    """Run one MariaDB server for all tests of this process that need it; they are `long`."""
    from tests.mariadb_server import mariadb_server

    with mariadb_server() as server:
        yield server
