"""A browser for the tests of one module.

Playwright keeps the event loop of its thread running as long as it is started: a browser of the
whole session would make every later `asyncio.run` of the same test process fail.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.reports.browsing import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running
