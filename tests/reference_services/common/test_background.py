"""Tests of the periodic background work of a service."""

import logging
from threading import Event

import pytest

from reference_services.common.background import BackgroundTask

HANGS_S = 30.0


class CountingEvent(Event):
    """Counts the pauses, and shortens them."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses = 0

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        self.pauses += 1
        return super().wait(0.01)


def test_work_runs_again_without_a_pause_while_more_is_waiting() -> None:
    stopping, done = CountingEvent(), Event()
    pauses_before: list[int] = []

    def work() -> bool:
        pauses_before.append(stopping.pauses)
        if len(pauses_before) == 4:
            done.set()
        return len(pauses_before) < 3

    task = BackgroundTask("test", work, HANGS_S)
    task._stopping = stopping
    with task:
        assert done.wait(HANGS_S)
    assert pauses_before[:4] == [1, 1, 1, 2]


def test_an_exception_is_logged_and_the_work_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    again = Event()
    failures = [RuntimeError("database is down")]

    def work() -> bool:
        if failures:
            raise failures.pop()
        again.set()
        return False

    log = logging.getLogger("reference_services")
    with caplog.at_level(logging.ERROR, log.name), BackgroundTask("test", work, 0.01):
        log.addHandler(caplog.handler)
        try:
            assert again.wait(HANGS_S)
        finally:
            log.removeHandler(caplog.handler)
    assert "background task test failed; it runs again" in caplog.messages


def test_no_work_starts_after_the_block() -> None:
    """Not even work that always reports that more is waiting."""
    called = Event()

    def work() -> bool:
        called.set()
        return True

    task = BackgroundTask("test", work, 0.01)
    with task:
        assert called.wait(HANGS_S)
    task._thread.join(HANGS_S)
    assert not task._thread.is_alive()


def test_no_work_runs_before_the_block() -> None:
    task = BackgroundTask("test", lambda: pytest.fail("called outside of the block"), 0.0)
    assert not task._thread.is_alive()
