"""The scrapes of targets, as a run waits for them."""

import json
from collections.abc import Iterable
from contextlib import closing

import msgspec
import pytest

from config.prometheus import Prometheus
from tests.tiny_server import nobody_listens_at
from witnesses.prometheus.client import PrometheusClient, QueryResponse
from witnesses.prometheus.pace import Pace
from witnesses.prometheus.scrape_watch import ScrapeWatch

_PACE_S = 10.0


class _ScrapedAs(PrometheusClient):
    """A client of a Prometheus that has made these scrapes."""

    def __init__(self, *scrapes: tuple[float, float]) -> None:
        super().__init__(Prometheus(url=nobody_listens_at()))
        self._scrapes = scrapes
        self.asked: list[str] = []

    def query(self, query: str, at: float | None) -> QueryResponse:
        self.asked.append(query)
        values = [[stamp, str(up)] for stamp, up in self._scrapes]
        found = [{"metric": {"job": "shop", "instance": "shop:80"}, "values": values}]
        result = {"resultType": "matrix", "result": found if values else []}
        content = json.dumps({"status": "success", "data": result}).encode()
        return QueryResponse(content, [], msgspec.Raw(b"[]"), "")

    def clock_skew_s(self) -> float:
        return 0.0

    def intervals_s(self, jobs: Iterable[str] = ()) -> dict[str, float | None] | None:
        return dict.fromkeys(jobs, _PACE_S)

    def lag_s(self, jobs: Iterable[str], interval_s: float, now: float) -> float:
        return 0.0

    def version(self) -> str:
        return ""


def _watch(client: PrometheusClient, *jobs: str) -> ScrapeWatch:
    """Return a watch that knows clock and interval of its Prometheus."""
    pace = Pace(client, jobs, fresh=False)
    pace.learn()
    return ScrapeWatch(client, pace, jobs)


def _up(*stamps: float) -> list[tuple[float, float]]:
    return [(at, 1.0) for at in stamps]


def _down(*stamps: float) -> list[tuple[float, float]]:
    return [(at, 0.0) for at in stamps]


@pytest.mark.parametrize(
    ("scrapes", "is_passed"),
    [
        ((), False),
        (_up(10), False),
        (_up(10, 20), True),
        ([*_up(10, 20), *_down(30)], False),
        ([*_down(10), *_up(20, 30)], True),
        ([*_up(10), *_down(20), *_up(30)], False),
    ],
)
def test_the_barrier_before_the_run_is_two_good_scrapes_in_a_row(
    scrapes: list[tuple[float, float]], is_passed: bool
) -> None:
    with closing(_ScrapedAs(*scrapes)) as client:
        assert _watch(client, "shop").have_baseline() is is_passed


@pytest.mark.parametrize(
    ("scrapes", "is_passed"),
    [
        ((), False),
        (_up(110, 120), False),
        (_up(110, 120, 130), True),
        (_up(100, 110, 120), False),
        ([*_up(110, 120), *_down(130), *_up(140)], True),
        (_down(110), False),
        (_down(110, 120), True),
        (_down(90, 100, 110), False),
        ([*_down(110, 120), *_up(130)], False),
        ([*_up(110), *_down(120, 130)], True),
    ],
)
def test_the_barrier_after_the_run_is_three_good_scrapes_later_or_a_target_that_is_down(
    scrapes: list[tuple[float, float]], is_passed: bool
) -> None:
    with closing(_ScrapedAs(*scrapes)) as client:
        assert _watch(client, "shop").have_settled(100.0) is is_passed


def test_the_scrapes_of_four_intervals_and_a_second_are_asked_for() -> None:
    with closing(_ScrapedAs(*_up(10, 20))) as client:
        _watch(client, "shop").have_baseline()
        assert client.asked == ['up{job=~"shop"}[41s]']


def test_what_was_scraped_since_is_later() -> None:
    with closing(_ScrapedAs(*_up(10, 20))) as client:
        watch = _watch(client, "shop")
        assert watch.were_scraped_since(19.9)
        assert not watch.were_scraped_since(20.0)


def test_where_no_target_is_waited_for_nothing_is_asked() -> None:
    with closing(_ScrapedAs()) as client:
        watch = _watch(client)
        assert watch.have_baseline()
        assert watch.have_settled(100.0)
        assert client.asked == []
