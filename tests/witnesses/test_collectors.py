import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment
from config.prometheus import Prometheus
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Scenario
from tests.evidence_factory import exposition
from tests.tiny_server import Canned, serving
from tests.witnesses.counted_quantities import SELECTOR
from tests.witnesses.prometheus.fake_prometheus import INTERVAL_S, FakePrometheus, scraping
from witnesses.collectors import Collectors, is_under_test, open_collectors
from witnesses.database.collector import DatabaseCollector
from witnesses.figure import Figure
from witnesses.health.status import read_statuses
from witnesses.model import CountedQuantity, Moment
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.reading import read_prometheus
from witnesses.readings import read_witnesses
from witnesses.service.collector import ServiceCollector
from witnesses.service.single_process import LOOKS_S

_QUERY = "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind"
_SCENARIO = Scenario.model_validate(
    {
        "scenario": "shop",
        "quantities": {
            "uses": {"by": ["kind"], "prometheus": SELECTOR, "database": {"main": _QUERY}}
        },
        "flow": [{"step": "use", "request": "POST shop /use", "counts": {"uses": {"0": 1}}}],
        "profiles": {"load": {"users": 1, "iterations": 1}},
        "checks": {"promql": [{"name": "few", "query": "errors_total", "expect": "<= 3"}]},
    }
)


class Shop:
    """A service, its database and its Prometheus, which all count uses of kind 0."""

    def __init__(self, place: Path) -> None:
        self.folder = RunFolder(place / "run")
        self.database = place / "shop.db"
        self.pages: dict[str, Canned] = {"/health": Canned("{}")}
        self.used_at: list[float] = []
        self.prometheus = FakePrometheus(self._uses_until, began_at=time.time() - 5)
        self.start_time = 500.0
        self._write("CREATE TABLE uses (tenant TEXT, kind TEXT)")
        self._show()

    def use(self) -> None:
        self.used_at.append(time.time())
        self._write("INSERT INTO uses VALUES ('acme', '0')")
        self._show()

    def start(self, start_time: float) -> None:
        self.start_time = start_time
        self._show()

    @contextmanager
    def collectors(
        self, *, fresh: bool, has_prometheus: bool = True, **settings: str
    ) -> Iterator[Collectors]:
        with serving(self.pages) as server, scraping(self.prometheus) as prometheus:
            document = {
                "environment": "test",
                "services": {"shop": {"url": server.url, **settings}},
                "databases": {"main": f"sqlite:///{self.database}"},
                **({"prometheus": {"url": prometheus.url}} if has_prometheus else {}),
            }
            environment = Environment.model_validate(document)
            with open_collectors(
                _SCENARIO, environment, "acme", self.folder, fresh=fresh, baseline_s=0.01
            ) as collectors:
                yield collectors

    def figures(self) -> dict[str, Figure]:
        """Return each witness's figure of kind 0."""
        quantity = CountedQuantity("uses", _SCENARIO.quantities["uses"], "acme", True)
        readings = read_witnesses(self.folder, _SCENARIO)
        return {each.name: each.figures(quantity).at(("0",)) for each in readings}

    def _uses_until(self, at: float) -> float:
        return float(sum(used_at <= at for used_at in self.used_at))

    def _show(self) -> None:
        text = exposition({"0": len(self.used_at)}, start_time=self.start_time)
        self.pages["/metrics"] = Canned(text, content_type="text/plain; version=0.0.4")

    def _write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_every_witness_reports_what_was_counted_between_the_two_moments(shop: Shop) -> None:
    with shop.collectors(fresh=False) as collectors:
        collectors.collect(Moment.BEFORE)
        shop.use()
        shop.use()
        collectors.collect(Moment.AFTER)
    witnesses = ("service", "prometheus", "database:main")
    assert shop.figures() == dict.fromkeys(witnesses, Figure.exact(2.0))


def test_collecting_once_more_after_the_run_replaces_what_was_counted_until_then(
    shop: Shop,
) -> None:
    with shop.collectors(fresh=False, has_prometheus=False) as collectors:
        collectors.collect(Moment.BEFORE)
        shop.use()
        collectors.collect(Moment.AFTER)
        assert shop.figures()["database:main"] == Figure.exact(1.0)
        shop.use()
        collectors.collect(Moment.AFTER)
    figures = shop.figures()
    assert figures["database:main"] == figures["service"] == Figure.exact(2.0, late=1.0)


def test_the_databases_alone_are_asked_again_for_rows_that_come_late(shop: Shop) -> None:
    with shop.collectors(fresh=False, has_prometheus=False) as collectors:
        collectors.collect(Moment.BEFORE)
        collectors.collect(Moment.AFTER)
        shop.use()
        for _ in collectors.further_records():
            collectors.collect_records()
            break
    assert shop.figures()["database:main"] == Figure.exact(1.0, late=1.0)
    assert shop.figures()["service"] == Figure.exact(0.0)


def test_rows_that_come_late_are_waited_for_within_a_bound(shop: Shop) -> None:
    with shop.collectors(fresh=False, has_prometheus=False) as collectors:
        assert list(replace(collectors, late_counts_s=0.0).further_records()) == []
        assert list(replace(collectors, late_counts_s=0.1).further_records()) == [None]


@pytest.mark.parametrize(("is_cached", "attempts"), [(False, 1), (True, 4)])
def test_a_page_that_never_changes_is_waited_for_since_it_may_come_from_a_cache(
    shop: Shop, is_cached: bool, attempts: int
) -> None:
    with shop.collectors(fresh=False, has_prometheus=False) as collectors:
        service = next(each for each in collectors.in_order if isinstance(each, ServiceCollector))
        made = 0
        for may_be_late in replace(collectors, late_counts_s=0.0).attempts():
            assert may_be_late
            made += 1
            service.may_be_cached = is_cached and made < 4
    assert made == attempts


@pytest.mark.parametrize("fresh", [False, True])
def test_a_page_that_is_filled_once_a_minute_is_waited_for_unless_the_run_started_it(
    shop: Shop, fresh: bool
) -> None:
    """As that of an OpenTelemetry collector is, by the default interval of the SDKs' exports."""
    with shop.collectors(fresh=fresh, has_prometheus=False) as collectors:
        assert (collectors.cached_page_s > 60) is not fresh


def test_beside_a_prometheus_further_attempts_are_only_for_counters_that_exceed(
    shop: Shop,
) -> None:
    with shop.collectors(fresh=False) as collectors:
        attempts = replace(collectors, late_counts_s=60.0, cached_page_s=60.0).attempts()
        assert [next(attempts), next(attempts), next(attempts)] == [True, False, False]


def test_how_long_settling_takes_is_known_before_anything_is_sent(shop: Shop) -> None:
    with shop.collectors(fresh=False) as collectors:
        settling = collectors.learn_settling()
        collectors.collect(Moment.BEFORE)
    assert settling
    assert settling.interval_s == INTERVAL_S
    assert read_prometheus(shop.folder).collection.settling_s == settling.duration_s


def test_without_a_prometheus_no_settling_is_announced(shop: Shop) -> None:
    with shop.collectors(fresh=False, has_prometheus=False) as collectors:
        assert collectors.learn_settling() is None


def test_a_prometheus_that_is_down_announces_nothing_and_is_an_error_of_the_baseline(
    shop: Shop,
) -> None:
    shop.prometheus.is_down = True
    with shop.collectors(fresh=False) as collectors:
        assert collectors.learn_settling() is None
        collectors.collect(Moment.BEFORE)
    assert read_prometheus(shop.folder).collection.error


def test_prometheus_comes_first_since_the_others_report_what_it_waits_for(shop: Shop) -> None:
    with shop.collectors(fresh=False) as collectors:
        kinds = [type(each) for each in collectors.in_order]
    assert kinds == [PrometheusCollector, ServiceCollector, DatabaseCollector]


def test_an_environment_without_a_prometheus_has_no_collector_of_it(shop: Shop) -> None:
    with shop.collectors(fresh=True, has_prometheus=False) as collectors:
        assert [type(each) for each in collectors.in_order] == [ServiceCollector, DatabaseCollector]
        collectors.collect(Moment.BEFORE)
    assert shop.prometheus.asked == []


def test_the_queries_of_the_checks_are_evaluated_after_the_run(shop: Shop) -> None:
    with shop.collectors(fresh=False) as collectors:
        collectors.collect(Moment.BEFORE)
        assert not (shop.folder.witnesses / "promql-0.json").exists()
        collectors.collect(Moment.AFTER)
    collected = json.loads((shop.folder.witnesses / "promql-0.json").read_text())
    assert collected["query"] == "errors_total"
    assert collected["response"]["status"] == "success"


def test_a_run_on_fresh_services_begins_when_their_start_times_are_surely_past(shop: Shop) -> None:
    """Start times are in whole seconds: one within the last second may be that of the run."""
    started_at = time.time()
    shop.start(started_at)
    with shop.collectors(fresh=True) as collectors:
        collectors.collect(Moment.BEFORE)
    record = read_prometheus(shop.folder).collection
    assert record.fresh
    assert record.begin - record.skew_s >= started_at + 1.0


def test_the_clock_of_a_service_that_is_ahead_is_not_waited_for(shop: Shop) -> None:
    """Otherwise this would take eleven days."""
    shop.start(time.time() + 1e6)
    with shop.collectors(fresh=True) as collectors:
        collectors.collect(Moment.BEFORE)
    assert read_prometheus(shop.folder).collection.error == ""


def test_health_is_collected_by_moment(shop: Shop) -> None:
    with shop.collectors(fresh=True) as collectors:
        collectors.collect_health(Moment.AFTER)
    assert read_statuses(shop.folder, Moment.AFTER)["shop"].health.status == 200
    assert read_statuses(shop.folder, Moment.BEFORE) == {}


@pytest.mark.parametrize(
    ("service", "is_observed"),
    [
        ("http://127.0.0.1:9090", True),
        ("http://127.0.0.1:9090/shop", True),
        ("http://localhost:9090", True),
        ("http://[::1]:9090", True),
        ("http://localhost:9091", False),
        ("http://127.0.0.1:9091", False),
        ("http://shop:9090", False),
    ],
)
def test_a_prometheus_that_is_a_service_of_the_environment_is_under_test(
    service: str, is_observed: bool
) -> None:
    environment = Environment(
        environment="test",
        services={"shop": Service(url=service)},
        prometheus=Prometheus(url="http://127.0.0.1:9090"),
    )
    assert is_under_test(environment) is is_observed
    assert not is_under_test(environment.model_copy(update={"prometheus": None}))


def test_a_prometheus_under_test_is_asked_last_and_its_page_before_it_is_queried(
    shop: Shop,
) -> None:
    """The harness' own queries would be in the counters of its page."""
    asked: list[str] = []

    class Silent(PrometheusCollector):
        def wait_silently(self, settle_s: float) -> None:
            asked.append("silence")

        def collect(self, moment: Moment, folder: RunFolder) -> None:
            asked.append("prometheus")

    class Page(ServiceCollector):
        def collect(self, moment: Moment, folder: RunFolder) -> None:
            asked.append("service")

    with shop.collectors(fresh=False) as collectors:
        prometheus, service, database = collectors.in_order
        prometheus.__class__, service.__class__ = Silent, Page
        observed = replace(
            collectors, in_order=(prometheus, service, database), is_self_observed=True
        )
        observed.collect(Moment.AFTER)
        assert list(observed.attempts()) == []
    assert asked == ["silence", "service", "prometheus"]


def test_where_prometheus_fails_the_others_still_wait_for_what_is_counted_late(shop: Shop) -> None:
    with shop.collectors(fresh=False) as collectors:
        collectors.collect(Moment.BEFORE)
        shop.prometheus.is_down = True
        late = threading.Timer(0.2, shop.use)
        late.start()
        collectors.collect(Moment.AFTER)
        late.join()
        assert shop.figures()["database:main"] == Figure.exact(1.0)
        assert shop.figures()["service"] == Figure.exact(1.0)


@pytest.mark.parametrize("is_down", [True, False])
def test_where_prometheus_fails_late_counts_are_waited_for_as_without_one(
    shop: Shop, is_down: bool
) -> None:
    with shop.collectors(fresh=False) as collectors:
        collectors.collect(Moment.BEFORE)
        shop.prometheus.is_down = is_down
        collectors.collect(Moment.AFTER)
        service = next(each for each in collectors.in_order if isinstance(each, ServiceCollector))
        service.may_be_cached = False
        attempts = replace(collectors, late_counts_s=60.0).attempts()
        made = [next(attempts, "none"), next(attempts, "none")]
    assert made == ([True, True] if is_down else [True, False])


_WITH_API = Scenario.model_validate(
    {
        "scenario": "shop",
        "quantities": {"uses": {"by": ["kind"], "database": {"main": _QUERY}, "api": {"billing": {
            "get": "/usage?t={{ tenant }}", "pick": "data[].{kind: kind, value: n}",
            "settle": "1ms"}}}},
        "flow": [{"step": "use", "request": "POST shop /use", "counts": {"uses": {"0": 1}}}],
        "profiles": {"load": {"users": 1, "iterations": 1}},
    }
)  # fmt: skip


def test_a_usage_api_is_asked_before_all_others_and_after_them_and_again_with_the_records(
    shop: Shop,
) -> None:
    with serving({"/usage": Canned('{"data": []}')}) as billing:
        environment = Environment.model_validate({
            "environment": "test", "services": {"shop": {"url": billing.url}},
            "databases": {"main": f"sqlite:///{shop.database}"},
            "apis": {"billing": {"url": billing.url}},
        })  # fmt: skip
        with open_collectors(_WITH_API, environment, "acme", shop.folder, fresh=True) as collectors:
            assert collectors.api_settling() == {"billing": 0.001}
            for moment in (Moment.BEFORE, Moment.AFTER, Moment.AFTER):
                collectors.collect(moment)
            assert billing.asked.count("/usage") == 2
            collectors.collect_records()
            assert billing.asked.count("/usage") == 3
    before = billing.asked.index("/usage"), billing.asked.index("/metrics")
    assert before[0] < before[1]
    readings = read_witnesses(shop.folder, _WITH_API)
    assert [each.name for each in readings][-2:] == ["database:main", "api:billing"]


def test_a_count_that_falls_short_is_asked_for_while_prometheus_may_learn_of_a_replica(
    shop: Shop,
) -> None:
    """By http_sd, that takes a minute by default."""
    with shop.collectors(fresh=False, replicas="discovered") as collectors:
        assert collectors.cached_page_s > 60
        attempts = replace(collectors, late_counts_s=0.0, cached_page_s=60.0).attempts()
        assert [next(attempts) for _ in range(4)] == [True] * 4
        assert list(replace(collectors, late_counts_s=0.0, cached_page_s=0.0).attempts()) == [True]


@pytest.mark.parametrize("replicas", [{}, {"replicas": "discovered"}], ids=["named", "discovered"])
def test_settling_begins_when_prometheus_must_have_learned_of_a_replica(
    shop: Shop, replicas: dict[str, Any]
) -> None:
    with shop.collectors(fresh=False, **replicas) as collectors:
        settling = collectors.learn_settling()
    assert settling
    assert (settling.delay_s >= 5.0) is bool(replicas)


def test_a_stack_that_was_started_for_the_run_gets_no_further_replica(shop: Shop) -> None:
    with shop.collectors(fresh=True, replicas="discovered") as collectors:
        attempts = replace(collectors, late_counts_s=0.0, cached_page_s=60.0).attempts()
        assert list(attempts) == [True]


@pytest.mark.parametrize(
    ("opened_ago_s", "least_s", "most_s"), [(-100.0, 100.0, 105.0), (100.0, LOOKS_S, LOOKS_S)]
)
def test_what_health_and_preflight_took_is_left_out_of_the_time_for_scrapes(
    shop: Shop, opened_ago_s: float, least_s: float, most_s: float
) -> None:
    with shop.collectors(fresh=True, has_prometheus=False) as opened:
        collectors = replace(opened, opened_s=time.monotonic() - opened_ago_s)
        (services,) = (each for each in opened.in_order if isinstance(each, ServiceCollector))
        collectors.collect(Moment.BEFORE)
        assert least_s <= services.looks_s <= most_s
        collectors.collect(Moment.AFTER)
        assert services.looks_s == LOOKS_S
