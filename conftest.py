"""What pytest must not import, since it patches the process; and the process as tests leave it.

The locustfile and its engine patch the process when they are imported.
"""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

collect_ignore = ["scenarios/locustfile.py", "scenarios/engine", "benchmarks/engine_locustfile.py"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE)


@pytest.fixture(autouse=True)
def _process_state() -> Iterator[None]:
    """Restore what a test changed of its process, so that no later test depends on it."""
    with _logging_restored(), _environment_restored(), _signals_restored():
        yield


@contextmanager
def _logging_restored() -> Iterator[None]:
    """Restore the handlers of all loggers, and the level of the root logger.

    Levels of other loggers stay: a module may set one when it is imported.
    """
    level, disabled = logging.root.level, logging.root.manager.disable
    handlers = {logger: [*logger.handlers] for logger in _loggers()}
    yield
    for logger in _loggers():
        for handler in {*logger.handlers}.difference(handlers.get(logger, ())):
            handler.close()
        logger.handlers[:] = handlers.get(logger, ())
    logging.root.setLevel(level)
    logging.disable(disabled)


def _loggers() -> list[logging.Logger]:
    named = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in named if isinstance(each, logging.Logger))]


@contextmanager
def _environment_restored() -> Iterator[None]:
    """Restore the variables of the environment, and the current folder."""
    folder = os.getcwd()  # noqa: PTH109 - as cheap as it gets
    encoded: dict[bytes, bytes] = vars(os.environ)["_data"]  # to decode all takes a millisecond
    variables = encoded.copy()
    yield
    os.chdir(folder)
    if encoded != variables:
        os.environb.clear()
        os.environb.update(variables)


@contextmanager
def _signals_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
