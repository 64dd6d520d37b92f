"""SampleCollector against a server that is scraped as it goes: windows, rest, bounded responses."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.prometheus.fake_prometheus import (
    INTERVAL_S,
    FakePrometheus,
    client_of,
    scraping,
)
from witnesses.prometheus.client import PrometheusDown
from witnesses.prometheus.sample_collector import SampleCollector, Standstill, _is_late, _rest
from witnesses.prometheus.windows import Windows


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


@pytest.mark.parametrize("is_closed", [True, False])
def test_windows_hold_every_sample_whether_ranges_are_closed_or_open(
    folder: RunFolder, is_closed: bool
) -> None:
    fake = FakePrometheus(lambda _: 1.0, is_closed, began_at=time.time() - 12)
    with scraping(fake), closing(client_of(fake)) as client:
        since, at = fake.began_at + 2, round(time.time(), 3)
        collector = SampleCollector(
            client, folder, "{}", {"uses": "uses_total"}, (since, INTERVAL_S), (), 40
        )
        collector.take_until(at - 1)
        collector.take_last(at, at - 1)
        collected: list[float] = []
        windows = Windows(folder.witnesses / "prometheus", len(collector.ends))
        for window in windows.read_series("quantity-uses"):
            collected += [stamp for series in window for stamp, _ in series.samples]
        expected = fake.answer("uses_total[10s]", at)[0]["values"]
    assert len(collector.ends) > 5
    assert {stamp for stamp, _ in expected} - set(collected) == set()


def test_one_query_per_quantity_and_window_is_sent_whatever_the_number_of_series(
    folder: RunFolder,
) -> None:
    fake = FakePrometheus(lambda _: 1.0, series=300)
    with scraping(fake), closing(client_of(fake)) as client:
        pace = fake.began_at, INTERVAL_S
        collector = SampleCollector(client, folder, "{}", {"uses": "uses_total"}, pace)
        collector.take_last(time.time() + 0.1, 0.0)
    assert len([each for each in fake.asked if "uses_total" in each]) == 1


def test_what_is_no_range_vector_is_no_response(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        collector = SampleCollector(
            client, folder, "{}", {"uses": "time()"}, (fake.began_at, INTERVAL_S)
        )
        with pytest.raises(PrometheusDown):
            collector.take_last(time.time(), 0.0)


@contextmanager
def _collecting(
    fake: FakePrometheus, folder: RunFolder, moving: tuple[str, ...] = ()
) -> Iterator[SampleCollector]:
    with scraping(fake), closing(client_of(fake)) as client:
        pace = fake.began_at, INTERVAL_S
        yield SampleCollector(client, folder, "{}", {"uses": "uses_total"}, pace, moving)


@pytest.mark.parametrize(("moving", "is_still"), [((), False), (("uses",), True)])
def test_only_a_quantity_that_others_move_need_not_stand_still(
    folder: RunFolder, moving: tuple[str, ...], is_still: bool
) -> None:
    fake = FakePrometheus(lambda at: at, began_at=time.time() - 3)
    with _collecting(fake, folder, moving) as collector:
        standstill = collector.take_last(time.time(), fake.began_at + 1)
    assert standstill.is_still is is_still


def test_the_targets_are_queried_before_the_quantities(folder: RunFolder) -> None:
    """A scrape that is known to have happened must have its samples."""
    fake = FakePrometheus(lambda _: 1.0)
    with _collecting(fake, folder) as collector:
        collector.take_last(time.time(), 0.0)
    metrics = [query.partition("[")[0].partition("{")[0] for query in fake.asked]
    assert metrics[-1] == "uses_total"
    assert "up" in metrics[:-1]


def test_a_warning_is_an_error_and_nothing_of_the_targets_is_written(folder: RunFolder) -> None:
    fake = FakePrometheus(lambda _: 1.0, warnings=("a store is down",))
    with (
        _collecting(fake, folder) as collector,
        pytest.raises(PrometheusDown, match="Prometheus warned: a store is down"),
    ):
        collector.take_last(time.time(), 0.0)
    assert collector.ends == ()
    assert not (folder.witnesses / "prometheus").exists()


def test_the_last_window_is_taken_again_as_a_whole(folder: RunFolder) -> None:
    """A series that was not visible at first is whole at the second time."""
    fake = FakePrometheus(lambda _: 1.0, began_at=time.time() - 3)
    with _collecting(fake, folder) as collector:
        first = round(time.time(), 3)
        collector.take_last(first, fake.began_at)
        collector.take_last(first + 1, fake.began_at)
    assert collector.ends == (first + 1,)
    ((again,),) = ([*window] for window in Windows(
        folder.witnesses / "prometheus", 1).read_series("quantity-uses"))  # fmt: skip
    assert again.samples[0][0] <= fake.began_at + INTERVAL_S


_SCRAPES = [float(at) for at in range(100, 160, 10)]


@pytest.mark.parametrize(
    ("last", "is_late"),
    [
        (150.0, False), (140.0, True), (130.0, True), (120.0, False), (106.5, True), (110.0, True),
        (146.5, False),
    ],
    ids=[
        "all are there", "one is missing", "two are missing", "it has ended",
        "own timestamps, none after the end", "own timestamps that are those of a scrape",
        "own timestamps, after the end",
    ],
)  # fmt: skip
def test_a_series_whose_last_samples_have_yet_to_show_is_late(last: float, is_late: bool) -> None:
    assert _is_late([(last, 1.0)], _SCRAPES, end=115.0) is is_late


def test_a_series_of_a_target_that_is_gone_is_not_waited_for() -> None:
    assert not _is_late([(100.0, 1.0)], _SCRAPES, end=155.0)
    assert not _is_late([(100.0, 1.0)], (), end=90.0)


def test_a_target_last_scraped_with_the_last_response_is_not_waited_for() -> None:
    assert not _is_late([(140.0, 1.0)], _SCRAPES, end=150.0)
    assert _is_late([(140.0, 1.0)], _SCRAPES, end=149.9)


def test_a_timestamp_of_its_own_at_the_last_response_does_not_show_all_of_it() -> None:
    assert _is_late([(106.5, 1.0)], _SCRAPES, end=106.5)
    assert not _is_late([(106.5, 1.0)], _SCRAPES, end=106.4)


def _response(*series: list[tuple[float, float]]) -> bytes:
    metric = {"job": "shop", "instance": "shop:80"}
    result = [
        {"metric": metric, "values": [[at, str(value)] for at, value in samples]}
        for samples in series
    ]
    return json.dumps({"data": {"result": result}}).encode()


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ([[(110.0, 1.0), (120.0, 5.0), (130.0, 5.0), (140.0, 5.0)]], Standstill(True, 5.0)),
        ([[(120.0, 4.0), (130.0, 5.0), (140.0, 5.0)]], Standstill(False, 5.0)),
        ([[(130.0, 5.0), (140.0, 5.0)]], Standstill(False, 5.0)),
        ([[(100.0, 7.0), (115.0, 7.0)]], Standstill(True, 0.0)),
        ([[(at, 2.0) for at in (120.0, 130.0, 140.0)]] * 2, Standstill(True, 4.0)),
        (
            [
                [(at, 2.0) for at in (120.0, 130.0, 140.0)],
                [(120.0, 2.0), (130.0, 2.0), (140.0, 3.0)],
            ],
            Standstill(False, 5.0),
        ),
        (
            [
                [(120.0, 2.0), (130.0, 2.0), (140.0, 3.0)],
                [(at, 2.0) for at in (120.0, 130.0, 140.0)],
            ],
            Standstill(False, 5.0),
        ),
    ],
    ids=[
        "at rest", "moved", "too few", "ended with the last response", "two at rest",
        "the second moves", "the first moves",
    ],
)  # fmt: skip
def test_all_series_that_go_on_after_the_last_response_must_be_at_rest(
    series: list[list[tuple[float, float]]], expected: Standstill
) -> None:
    assert _rest(_response(*series), {}, end=115.0) == expected


@pytest.mark.parametrize("values", [("+Inf", "-Inf"), ("1e308", "1e308"), ("NaN", "5"), ("-Inf",)])
def test_the_last_values_are_added_whatever_they_are(values: tuple[str, ...]) -> None:
    result = [{"metric": {"a": each}, "values": [[9.0, each]]} for each in values]
    answer = json.dumps({"status": "success", "data": {"result": result}}).encode()
    assert _rest(answer, {}, end=5.0).total in (5.0, 0.0, math.inf)


def test_pages_with_timestamps_of_their_own_say_how_far_apart_they_are() -> None:
    scrapes = {("shop", "shop:80"): [float(at) for at in range(100, 141, 2)]}
    pages = [(111.5, 4.0), (121.5, 5.0), (131.5, 5.0)]
    assert _rest(_response(pages), scrapes, end=115.0) == Standstill(True, 5.0, page_age_s=10.0)
    assert not _rest(_response(pages[:2]), scrapes, end=115.0).is_still
    assert _rest(_response([(130.0, 5.0)] * 2), scrapes, end=115.0).page_age_s == 0.0
