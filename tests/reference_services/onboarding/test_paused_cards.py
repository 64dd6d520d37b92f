"""Onboarding retries while Cards is paused: each card is created and counted once."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.patience import HANGS_S
from tests.reference_services.api_requests import open_session, submit
from tests.reference_services.databases import sqlite_databases
from tests.reference_services.processes import ServiceProcess, running
from tests.reference_services.services import Service, onboarding_service

RETRIES = "onboarding_cards_retries_total"
OK, BAD_GATEWAY = 200, 502


@contextmanager
def paused(cards: ServiceProcess) -> Iterator[None]:
    """Stop the process of Cards within the block, as an overloaded machine does."""
    cards.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        cards.process.send_signal(signal.SIGCONT)


def await_retry(onboarding: Service) -> None:
    deadline = time.monotonic() + HANGS_S
    while not onboarding.scrape().total(RETRIES):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.core
@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
def test_a_batch_that_is_retried_while_cards_is_paused_is_counted_once(
    tmp_path: Path, tenant: str
) -> None:
    """The attempts have one idempotency key, and the retry is Onboarding's: it counts that, too."""
    databases = sqlite_databases(tmp_path)
    variables = {"DATABASE_URL": databases.url_of("cards")}
    with (
        running("cards", tmp_path, variables) as cards,
        onboarding_service(databases, CARDS_URL=cards.url) as onboarding,
        ThreadPoolExecutor(1) as threads,
    ):
        session = open_session(onboarding, tenant)
        with paused(cards):
            first = threads.submit(submit, onboarding, tenant, session)
            await_retry(onboarding)
        # Cards now handles what all attempts left in its socket.
        assert first.result().status_code in (OK, BAD_GATEWAY)
        again = submit(onboarding, tenant, session)
        assert (again.status_code, again.json()["cards_created_count"]) == (OK, 4)
        assert cards.scrape().total("cards_created_total", tenant_id=tenant) == 4
        assert onboarding.scrape().total("onboarding_cards_created_total", tenant_id=tenant) == 4
        assert onboarding.scrape().total(RETRIES, reason="timeout") >= 1
