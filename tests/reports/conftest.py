"""A browser for the tests of all pages: one per test process, since a start takes much CPU.

Playwright marks the event loop of its thread as running for as long as it is started. It is marked
only within the tests of the browser: `asyncio.run` would fail in all others.
"""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.reports.browsing import chromium, marked_as_running


@pytest.fixture(scope="session")
def started_browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    with chromium() as running:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield running, loop
        asyncio._set_running_loop(loop)  # its end needs it


@pytest.fixture
def browser(started_browser: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    running, loop = started_browser
    with marked_as_running(loop):
        yield running
        for context in running.contexts:
            context.close()
