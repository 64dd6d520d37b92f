"""Taking against a server that is scraped as it goes: windows, rest, and a second look."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.prometheus.fake_prometheus import INTERVAL_S, FakePrometheus, scraping
from witnesses.figure import Figure
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries
from witnesses.prometheus.sample_collector import Taking
from witnesses.prometheus.windows import Windows
from witnesses.prometheus.witness import PrometheusWitness, read_prometheus

_TEA = ("0",)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _queries(fake: FakePrometheus) -> PrometheusQueries:
    return PrometheusQueries(Prometheus.model_validate({"url": fake.url, "timeout": "5s"}))


def _figure(folder: RunFolder) -> Figure:
    return read_prometheus(folder).figures("uses", ["kind"]).at(_TEA)


def _steps(*steps: tuple[float, float]) -> Callable[[float], float]:
    """Count so much at each of these times."""
    return lambda at: sum(amount for since, amount in steps if at >= since)


@pytest.mark.parametrize("is_closed", [True, False])
def test_windows_hold_every_sample_whether_ranges_are_closed_or_open(
    folder: RunFolder, is_closed: bool
) -> None:
    fake = FakePrometheus(lambda _: 1.0, is_closed, began_at=time.time() - 12)
    with scraping(fake), closing(_queries(fake)) as queries:
        since, at = fake.began_at + 2, round(time.time(), 3)
        taking = Taking(queries, folder, "{}", {"uses": "uses_total"}, (since, INTERVAL_S), (), 40)
        taking.take_until(at - 1)
        taking.take_last(at, at - 1)
        taken: list[float] = []
        windows = Windows(folder.witnesses / "prometheus", len(taking.ends))
        for window in windows.read_series("quantity-uses"):
            taken += [stamp for series in window for stamp, _ in series.samples]
        expected = fake.answer("uses_total[10s]", at)[0]["values"]
    assert len(taking.ends) > 5
    assert {stamp for stamp, _ in expected} - set(taken) == set()


def test_one_query_a_quantity_and_window_is_asked_whatever_the_number_of_series(
    folder: RunFolder,
) -> None:
    fake = FakePrometheus(lambda _: 1.0, series=300)
    with scraping(fake), closing(_queries(fake)) as queries:
        pace = fake.began_at, INTERVAL_S
        taking = Taking(queries, folder, "{}", {"uses": "uses_total"}, pace)
        taking.take_last(time.time() + 0.1, 0.0)
    assert len([each for each in fake.asked if "uses_total" in each]) == 1


def _watched(fake: FakePrometheus, folder: RunFolder, queries: PrometheusQueries) -> (
    PrometheusWitness
):  # fmt: skip
    fake.began_at = time.time() - 5
    witness = PrometheusWitness(queries, ["shop"], folder)
    witness.open(fresh=False)
    return witness


def test_a_counter_that_stands_still_is_taken_once(folder: RunFolder) -> None:
    fake = FakePrometheus(lambda _: 1.0)
    with scraping(fake), closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        witness.close(time.time(), {"uses": "uses_total"})
    raw = [each for each in fake.asked if each.startswith("uses_total")]
    assert _figure(folder) == Figure(0.0)
    assert len(raw) == 1


def test_an_answer_with_a_warning_may_not_be_whole_and_is_no_data(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 1.0)) as fake, closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        fake.warnings = ("a store did not answer",)
        witness.close(time.time(), {"uses": "uses_total"})
    assert _figure(folder) == Figure(None, "Prometheus warned: a store did not answer")


def test_a_counter_still_moving_is_waited_for(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        now = time.time()
        fake.counter = lambda at: 100 * (min(at, now + 0.3) - now) // 1 if at > now else 0
        witness.close(now, {"uses": "uses_total"})
    assert _figure(folder).value == pytest.approx(30, abs=1)
    assert _figure(folder).remark == ""


def test_a_late_count_is_found_by_the_second_look_and_is_late(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        now = time.time()
        fake.counter = _steps((now, 3.0), (now + 1.5, 2.0))
        witness.close(now + 0.02, {"uses": "uses_total"})
        assert _figure(folder) == Figure(3.0)
        witness.look_again()
    assert _figure(folder) == Figure(5.0, late=2.0)
    evidence = read_prometheus(folder)
    assert len(evidence.reading.windows) == 2
    end = evidence.reading.end
    stamps = [at for at, _ in evidence.watches["shop", "shop:80"].ups if at > end]
    assert stamps == fake.stamps(end, evidence.reading.at)


def test_a_count_within_the_time_that_it_may_take_to_settle_is_waited_for(
    folder: RunFolder,
) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        now = time.time()
        fake.counter = _steps((now, 3.0), (now + 0.5, 2.0))
        witness.close(now + 0.02, {"uses": "uses_total"}, {"uses": 0.6})
    assert _figure(folder) == Figure(5.0)


def test_a_second_look_that_fails_leaves_the_first(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        witness = _watched(fake, folder, queries)
        witness.close(time.time(), {"uses": "uses_total"})
        fake.is_down = True
        witness.look_again()
    assert _figure(folder) == Figure(0.0)


def test_without_a_first_look_there_is_no_second(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        PrometheusWitness(queries, ["shop"], folder).look_again()
    assert fake.asked == []


def test_what_is_no_range_vector_is_no_answer(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(_queries(fake)) as queries:
        taking = Taking(queries, folder, "{}", {"uses": "time()"}, (fake.began_at, INTERVAL_S))
        with pytest.raises(PrometheusDown):
            taking.take_last(time.time(), 0.0)
