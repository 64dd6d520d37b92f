"""Both barriers of a collection, and late counts, with a server that is scraped as it goes."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.objectives import PromqlCheck
from tests.tiny_server import Canned, nobody_listens_at, serving
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.prometheus.fake_prometheus import FakePrometheus, client_of, scraping
from tests.witnesses.prometheus.scraped_as import ScrapedAs, up
from witnesses.figure import Figure, Reason
from witnesses.model import CountedQuantity, Moment
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.reading import read_prometheus
from witnesses.prometheus.service_targets import ServiceTargets

_SHOP = ServiceTargets.of_jobs("shop")
_KIND = ("0",)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _figure(folder: RunFolder, quantity: CountedQuantity | None = None) -> Figure:
    return read_prometheus(folder).figures(quantity or uses_by_kind()).at(_KIND)


def _steps(*steps: tuple[float, float]) -> Callable[[float], float]:
    """Count an amount at each of some instants."""
    return lambda at: sum(amount for since, amount in steps if at >= since)


def _with_baseline(
    fake: FakePrometheus,
    folder: RunFolder,
    client: PrometheusClient,
    quantity: CountedQuantity | None = None,
) -> PrometheusCollector:
    """Return a collector that has waited for its baseline, on which nothing moved."""
    fake.began_at = time.time() - 5
    collector = PrometheusCollector(client, _SHOP, folder, [quantity or uses_by_kind()])
    collector.wait_for_baseline()
    return collector


def test_a_prometheus_that_cannot_be_reached_is_an_error_on_disk_and_of_every_query(
    folder: RunFolder,
) -> None:
    with closing(PrometheusClient(Prometheus(url=nobody_listens_at()))) as client:
        collector = PrometheusCollector(client, _SHOP, folder, fresh=True)
        collector.wait_for_baseline()
        with pytest.raises(PrometheusDown, match="cannot be reached"):
            collector.query("up")
    assert _figure(folder).reason is Reason.PROMETHEUS_DOWN
    assert "cannot be reached" in _figure(folder).detail
    assert _figure(folder).value is None


def test_a_fresh_stack_needs_only_one_query_for_the_clock(folder: RunFolder) -> None:
    clock = {"status": "success", "data": {"resultType": "scalar", "result": [0, "5"]}}
    with (
        serving({"/api/v1/query": Canned(json.dumps(clock))}) as server,
        closing(PrometheusClient(Prometheus(url=server.url))) as client,
    ):
        PrometheusCollector(client, _SHOP, folder, fresh=True).wait_for_baseline()
        assert server.asked.count("/api/v1/query") == 1
    record = read_prometheus(folder).collection
    assert record.fresh
    assert record.error == ""
    assert record.begin == pytest.approx(5.0, abs=2.0)


def test_the_version_of_prometheus_is_in_the_record(folder: RunFolder) -> None:
    fake = FakePrometheus(lambda _: 1.0)
    with scraping(fake), closing(client_of(fake)) as client:
        _with_baseline(fake, folder, client)
    assert read_prometheus(folder).collection.version == "3.5.0"


def test_a_counter_that_stands_still_is_collected_once(folder: RunFolder) -> None:
    fake = FakePrometheus(lambda _: 1.0)
    with scraping(fake), closing(client_of(fake)) as client:
        _with_baseline(fake, folder, client).collect_samples(time.time())
    raw = [each for each in fake.asked if each.startswith("uses_total")]
    assert _figure(folder) == Figure.exact(0.0)
    assert len(raw) == 1


def test_the_selector_is_that_of_the_runs_tenant(folder: RunFolder) -> None:
    fake = FakePrometheus(lambda _: 1.0)
    with scraping(fake), closing(client_of(fake)) as client:
        _with_baseline(fake, folder, client, uses_by_kind(tenant="globex")).collect_samples(
            time.time()
        )
    raw = [each for each in fake.asked if each.startswith("uses_total")]
    assert raw
    assert all('tenant="globex"' in each for each in raw)


def test_a_response_with_a_warning_may_not_be_whole_and_is_void(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 1.0)) as fake, closing(client_of(fake)) as client:
        collector = _with_baseline(fake, folder, client)
        fake.warnings = ("a store did not answer",)
        collector.collect_samples(time.time())
    warned = "Prometheus warned: a store did not answer"
    assert _figure(folder) == Figure.void(Reason.PROMETHEUS_DOWN, warned)


def test_a_counter_still_moving_is_waited_for(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        collector = _with_baseline(fake, folder, client)
        now = max(time.time(), collector.collection.begin)  # by the clock of Prometheus
        fake.counter = lambda at: 100 * (min(at, now + 0.3) - now) // 1 if at > now else 0
        collector.collect_samples(now)
    assert _figure(folder).value == pytest.approx(30, abs=1)
    assert _figure(folder).is_exact


def test_a_counter_that_others_move_all_the_time_is_not_waited_for(folder: RunFolder) -> None:
    shared = uses_by_kind(shared=True, is_exclusive=False)
    with scraping(FakePrometheus(lambda at: at)) as fake, closing(client_of(fake)) as client:
        _with_baseline(fake, folder, client, shared).collect_samples(time.time())
    assert _figure(folder, shared).is_exact
    assert len([each for each in fake.asked if each.startswith("uses_total")]) == 1


def test_a_late_count_is_found_by_collecting_again_and_is_late(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        collector = _with_baseline(fake, folder, client)
        now = max(time.time(), collector.collection.begin)  # by the clock of Prometheus
        fake.counter = _steps((now, 3.0), (now + 1.5, 2.0))
        collector.collect_samples(now + 0.02)
        assert _figure(folder) == Figure.exact(3.0)
        collector.collect_moved_samples()
    assert _figure(folder) == Figure.exact(5.0, late=2.0)
    reading = read_prometheus(folder)
    assert len(reading.collection.windows) == 1
    end = reading.collection.end
    stamps = [at for at, _ in reading.scrape_logs["shop", "shop:80"].ups if at > end]
    assert stamps == fake.stamps(end, reading.collection.at)


def test_a_count_within_the_time_that_it_may_take_to_settle_is_waited_for(
    folder: RunFolder,
) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        collector = _with_baseline(fake, folder, client, uses_by_kind(settle="600ms"))
        now = max(time.time(), collector.collection.begin)  # by the clock of Prometheus
        fake.counter = _steps((now, 3.0), (now + 0.5, 2.0))
        collector.collect_samples(now + 0.02)
    assert _figure(folder) == Figure.exact(5.0)


def test_collecting_again_in_vain_leaves_the_first_collection(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        collector = _with_baseline(fake, folder, client)
        collector.collect_samples(time.time())
        fake.is_down = True
        collector.collect_moved_samples()
    assert _figure(folder) == Figure.exact(0.0)


def test_without_a_first_collection_there_is_no_second(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        PrometheusCollector(client, _SHOP, folder).collect_moved_samples()
    assert fake.asked == []


def test_the_moments_of_a_run_are_baseline_samples_and_moved_samples(folder: RunFolder) -> None:
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        fake.began_at = time.time() - 5
        collector = PrometheusCollector(client, _SHOP, folder, [uses_by_kind()])
        collector.collect(Moment.BEFORE, folder)
        assert read_prometheus(folder).collection.windows == []
        now = max(time.time(), collector.collection.begin)  # by the clock of Prometheus
        fake.counter = _steps((now, 3.0), (now + 1.5, 2.0))
        collector.collect(Moment.AFTER, folder)
        assert _figure(folder) == Figure.exact(3.0)
        collector.collect(Moment.AFTER, folder)
    assert _figure(folder).value == 5.0
    assert len(read_prometheus(folder).collection.windows) == 1


def _promql(folder: RunFolder, number: int) -> dict[str, object]:
    content: dict[str, object] = json.loads(
        (folder.witnesses / f"promql-{number}.json").read_text()
    )
    return content


def test_each_check_is_evaluated_for_the_tenant_over_the_window_of_the_run(
    folder: RunFolder,
) -> None:
    checks = [
        PromqlCheck(name="few", query='errors{tenant="{{ tenant }}"}', expect="<= 3"),
        PromqlCheck(name="rare", query="max_over_time(up[{{ window }}])", expect="<= 3"),
    ]
    with scraping(FakePrometheus(lambda _: 0.0)) as fake, closing(client_of(fake)) as client:
        fake.began_at = time.time() - 5
        collector = PrometheusCollector(client, _SHOP, folder, promql=checks, tenant="acme")
        collector.collect(Moment.BEFORE, folder)
        collector.collect(Moment.AFTER, folder)
    window = read_prometheus(folder).collection.window
    assert _promql(folder, 0)["query"] == 'errors{tenant="acme"}'
    assert _promql(folder, 1)["query"] == f"max_over_time(up[{window}])"
    assert {'errors{tenant="acme"}', f"max_over_time(up[{window}])"} <= set(fake.asked)


def test_a_check_that_cannot_be_evaluated_has_the_error_as_its_response(
    folder: RunFolder,
) -> None:
    check = PromqlCheck(name="few", query="errors", expect="<= 3")
    with closing(PrometheusClient(Prometheus(url=nobody_listens_at()))) as client:
        collector = PrometheusCollector(client, _SHOP, folder, promql=[check], fresh=True)
        collector.collect(Moment.BEFORE, folder)
        collector.collect(Moment.AFTER, folder)
    response = _promql(folder, 0)["response"]
    assert isinstance(response, dict)
    assert "cannot be reached" in response["error"]


_SKEW_S = 1_000.0


def _paced(folder: RunFolder, client: PrometheusClient) -> PrometheusCollector:
    """Return a collector that has learnt clock and interval of its Prometheus."""
    collector = PrometheusCollector(client, _SHOP, folder)
    collector._pace.learn()
    return collector


def test_the_next_scrape_is_later_than_the_last_window(folder: RunFolder) -> None:
    at = time.time() + _SKEW_S
    for stamp, is_next in ((at - 1, False), (at, False), (at + 1, True)):
        with closing(ScrapedAs((stamp, 1.0), skew_s=_SKEW_S)) as client:
            assert _paced(folder, client)._scraped_since(at) is is_next


@pytest.mark.parametrize(("ago_s", "is_waited_for"), [(-9.0, True), (11.0, True), (14.0, False)])
def test_a_scrape_is_waited_for_an_interval_and_a_quarter(
    folder: RunFolder, ago_s: float, is_waited_for: bool
) -> None:
    at = time.time() + _SKEW_S - ago_s
    with closing(ScrapedAs((at - 1, 1.0), skew_s=_SKEW_S)) as client:
        assert _paced(folder, client)._scraped_since(at) is not is_waited_for


def test_the_end_is_the_last_response_on_the_clock_of_prometheus_and_a_margin(
    folder: RunFolder,
) -> None:
    with closing(ScrapedAs(*up(3_010, 3_020, 3_030), skew_s=_SKEW_S)) as client:
        collector = _paced(folder, client)
        collector.collect_samples(2_000.0)
    assert collector.collection.end == pytest.approx(2_000.0 + _SKEW_S + 0.01, abs=1e-6)
    assert collector.collection.at == pytest.approx(time.time() + _SKEW_S, abs=60)
