"""Tests of the registry, the histogram buckets and the exposition."""

from pathlib import Path

import pytest

from reference_services.common.metrics import (
    DURATION_BUCKETS_S,
    SHARED_FOLDER,
    create_registry,
    duration_histogram,
    render_metrics,
)
from tests.reference_services.services import (
    Service,
    make_cards,
)


def test_every_latency_target_is_an_edge_of_the_request_histogram(
    cards: Service, tenant: str
) -> None:
    with cards.increases() as increase:
        make_cards(cards, tenant)
    for edge in ("0.5", "2.5", "5.0"):
        name = "cards_api_request_duration_seconds_bucket"
        assert increase(name, endpoint="/batch", le=edge) == 1


def test_no_created_series_is_exposed(cards: Service) -> None:
    names = {sample.name for sample in cards.scrape().samples}
    assert not {name for name in names if name.endswith("_created")}


def test_a_duration_on_a_bound_falls_into_the_bucket_of_that_bound() -> None:
    registry = create_registry()
    duration_histogram("work_seconds", "Work.", (), registry).observe(2.5)
    name = "work_seconds_bucket"
    assert registry.get_sample_value(name, {"le": "2.5"}) == 1
    assert registry.get_sample_value(name, {"le": "1.0"}) == 0
    assert {0.5, 2.5, 5.0} <= set(DURATION_BUCKETS_S)


def test_a_single_process_exposes_its_own_start_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_FOLDER, raising=False)
    assert b"\nprocess_start_time_seconds " in render_metrics(create_registry())


def test_one_of_several_workers_exposes_no_process_metrics_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SHARED_FOLDER, str(tmp_path))
    assert list(create_registry().collect()) == []
