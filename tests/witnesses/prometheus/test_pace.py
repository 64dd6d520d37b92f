"""What is learnt of a Prometheus' pace, and how long it is waited for by that."""

from collections.abc import Mapping

import pytest

from config.prometheus import Prometheus
from tests.tiny_server import nobody_listens_at
from witnesses.prometheus.client import ClockSet, PrometheusClient
from witnesses.prometheus.pace import Pace
from witnesses.prometheus.session import ScrapeTargetJson


class PacedClient(PrometheusClient):
    """A client of a Prometheus of which all is known."""

    def __init__(self, intervals_s: Mapping[str, float | None], *skews_s: float) -> None:
        super().__init__(Prometheus(url=nobody_listens_at()))
        self._intervals_s, self._skews_s = dict(intervals_s), list(skews_s or [0.0])
        self.targets: list[ScrapeTargetJson] | None = [{"labels": {"job": "shop"}}]

    def clock_skew_s(self) -> float:
        return self._skews_s.pop(0) if len(self._skews_s) > 1 else self._skews_s[0]

    def intervals_s(self, jobs: object = ()) -> dict[str, float | None] | None:
        return self._intervals_s

    def lag_s(self, jobs: object, interval_s: float, now: float) -> float:
        return 0.0

    def version(self) -> str:
        return "3.5.0"

    def active_targets(self) -> list[ScrapeTargetJson] | None:
        return self.targets


def test_the_longest_interval_of_the_jobs_counts_and_that_of_others_does_not() -> None:
    pace = Pace(PacedClient({"shop": 15.0, "cart": 30.0, "node": 60.0}), {"shop", "cart"},
                fresh=False)  # fmt: skip
    pace.learn()
    assert (pace.interval_s, pace.is_interval_known) == (30.0, True)
    assert pace.scraped == {"shop", "cart"}


@pytest.mark.parametrize("intervals_s", [{}, {"shop": None}, {"node": 60.0}])
def test_an_interval_that_nobody_reports_is_assumed_and_known_to_be_assumed(
    intervals_s: dict[str, float | None],
) -> None:
    pace = Pace(PacedClient(intervals_s), {"shop"}, fresh=False)
    pace.learn()
    assert (pace.interval_s, pace.is_interval_known) == (15.0, False)


def test_the_version_of_a_fresh_prometheus_is_asked_once_it_has_scraped() -> None:
    pace = Pace(PacedClient({"shop": 1.0}), {"shop"}, fresh=True)
    pace.learn(is_early=True)
    assert pace.version == ""
    pace.learn()
    assert pace.version == "3.5.0"


def test_a_skew_that_changes_by_more_than_its_queries_took_is_a_clock_that_was_set() -> None:
    pace = Pace(PacedClient({"shop": 1.0}, 0.0, 3_600.0), {"shop"}, fresh=False)
    pace.learn()
    with pytest.raises(ClockSet):
        pace.learn_skew()


def test_the_interval_of_others_is_not_waited_for_and_is_known() -> None:
    client = PacedClient({"shop": 15.0, "report": 60.0, "node": 300.0})
    pace = Pace(client, {"shop"}, fresh=False, others={"shop", "report"})
    pace.learn()
    assert (pace.interval_s, pace.longest_s) == (15.0, 60.0)
    assert pace.scraped == {"shop"}


def test_where_nothing_is_scraped_no_interval_is_asked_for_or_assumed() -> None:
    pace = Pace(PacedClient({"node": 60.0}), (), fresh=False)
    pace.learn()
    pace.refuse_future_samples()
    assert (pace.interval_s, pace.is_interval_known, pace.lag_s) == (0.0, False, 0.0)


def test_a_backend_that_scrapes_nothing_itself_is_given_longer_to_show_a_target() -> None:
    client = PacedClient({})
    pace = Pace(client, {"shop"}, fresh=False)
    scraping = pace.discovery_deadline()
    client.targets = []
    assert pace.discovery_deadline() > scraping + 20
    client.targets = None
    assert pace.discovery_deadline() < scraping + 20
