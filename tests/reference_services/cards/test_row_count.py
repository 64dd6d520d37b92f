"""Tests of the gauge of stored uses."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import create_engine, text

import reference_services.cards.row_count
from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.row_count import count_rows
from reference_services.cards.store import CardsStore
from reference_services.common.database import Database
from tests.reference_services.databases import Databases
from tests.reference_services.services import cards_service, make_cards, use_cards

_SOON_S = 60.0


def test_the_stored_uses_of_all_tenants_are_shown_by_type_and_source(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_services.cards.row_count, "INTERVAL_S", 0.05)
    with cards_service(databases) as cards:
        for tenant in map(str, (uuid4(), uuid4())):
            made = make_cards(cards, tenant)
            assert use_cards(cards, tenant, made, f"workflow-{tenant[:8]}").is_success
        # The database is shared with other tests.
        count = "SELECT count(*) FROM card_usage"
        ((all_uses,),) = cards.rows(count)
        ((voices,),) = cards.rows(f"{count} WHERE card_type = 'voice' AND source = 'workflow'")
        deadline = time.monotonic() + _SOON_S
        while cards.scrape().total("cards_usage_rows") != all_uses:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        labels = {"card_type": "voice", "source": "workflow"}
        assert cards.scrape().total("cards_usage_rows", **labels) == voices
        assert all_uses != voices


def test_a_database_that_is_down_removes_the_gauge_until_it_is_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cards.db'}"
    registry = CollectorRegistry()
    database = Database(url)
    store, metrics = CardsStore(database), CardsMetrics(registry)
    count_rows(store, metrics)  # there is no table
    assert b"cards_usage_rows{" not in generate_latest(registry)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE card_usage (card_type TEXT, source TEXT)"))
        connection.execute(text("INSERT INTO card_usage VALUES ('voice', 'workflow')"))
    count_rows(store, metrics)
    assert b'cards_usage_rows{card_type="voice",source="workflow"} 1.0' in generate_latest(registry)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE card_usage"))
    count_rows(store, metrics)
    assert b"cards_usage_rows{" not in generate_latest(registry)
    engine.dispose()
    database.close()
