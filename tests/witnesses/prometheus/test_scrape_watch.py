"""The scrapes of targets, as a run waits for them."""

from contextlib import closing

import pytest

from tests.witnesses.prometheus.scraped_as import ScrapedAs, up
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.pace import Pace
from witnesses.prometheus.scrape_watch import ScrapeWatch


def _watch(client: PrometheusClient, *jobs: str) -> ScrapeWatch:
    """Return a watch that knows clock and interval of its Prometheus."""
    pace = Pace(client, jobs, fresh=False)
    pace.learn()
    return ScrapeWatch(client, pace, jobs)


def _down(*stamps: float) -> list[tuple[float, float]]:
    return [(at, 0.0) for at in stamps]


@pytest.mark.parametrize(
    ("scrapes", "is_passed"),
    [
        ((), False),
        (up(10), False),
        (up(10, 20), True),
        ([*up(10, 20), *_down(30)], False),
        ([*_down(10), *up(20, 30)], True),
        ([*up(10), *_down(20), *up(30)], False),
    ],
)
def test_the_barrier_before_the_run_is_two_good_scrapes_in_a_row(
    scrapes: list[tuple[float, float]], is_passed: bool
) -> None:
    with closing(ScrapedAs(*scrapes)) as client:
        assert _watch(client, "shop").have_baseline() is is_passed


@pytest.mark.parametrize(
    ("scrapes", "is_passed"),
    [
        ((), False),
        (up(110, 120), False),
        (up(110, 120, 130), True),
        (up(100, 110, 120), False),
        ([*up(110, 120), *_down(130), *up(140)], True),
        (_down(110), False),
        (_down(110, 120), True),
        (_down(90, 100, 110), False),
        ([*_down(110, 120), *up(130)], False),
        ([*up(110), *_down(120, 130)], True),
    ],
)
def test_the_barrier_after_the_run_is_three_good_scrapes_later_or_a_target_that_is_down(
    scrapes: list[tuple[float, float]], is_passed: bool
) -> None:
    with closing(ScrapedAs(*scrapes)) as client:
        assert _watch(client, "shop").have_settled(100.0) is is_passed


def test_the_scrapes_of_four_intervals_and_a_second_are_asked_for() -> None:
    with closing(ScrapedAs(*up(10, 20))) as client:
        _watch(client, "shop").have_baseline()
        assert client.asked == ['up{job=~"shop"}[41s]']


def test_what_was_scraped_since_is_later() -> None:
    with closing(ScrapedAs(*up(10, 20))) as client:
        watch = _watch(client, "shop")
        assert watch.were_scraped_since(19.9)
        assert not watch.were_scraped_since(20.0)


def test_where_no_target_is_waited_for_nothing_is_asked() -> None:
    with closing(ScrapedAs()) as client:
        watch = _watch(client)
        assert watch.have_baseline()
        assert watch.have_settled(100.0)
        assert client.asked == []
