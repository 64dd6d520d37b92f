"""A page whose own timestamps are behind, asked by a clock that only moves while it is waited."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from witnesses.service.stale_page import MAX_WAIT_S, Page, fetch_current

_METRICS = frozenset({"uses_total"})
_START = 1_700_000_000.0


@dataclass
class Host:
    """A host that shows its counter as `shown_at` returns for the time; a fetch takes no time."""

    shown_at: Callable[[float], float]
    skew_s: float = 0.0
    line: str = "uses_total 7 {ms}\n"
    now: float = _START
    fetches: int = 0
    fails_after: float = math.inf

    def fetch(self) -> Page:
        self.fetches += 1
        if self.fetches > self.fails_after:
            return Page(b"", "responded 500")
        stamp = self.shown_at(self.now + self.skew_s)
        text = self.line.format(ms=int(stamp * 1000), s=f"{stamp:.3f}")
        return Page(text.encode(), skew_s=self.skew_s)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def asked(self) -> Page:
        """Fetch the current page; it was asked for at the start."""
        page, asked_at = fetch_current(self.fetch, _METRICS, lambda: self.now, self.sleep)
        assert asked_at == _START
        return page


@pytest.mark.parametrize("lag_s", [2.0, 3.0, 10.0, 24.0])
@pytest.mark.parametrize(
    "line",
    [
        "uses_total 7 {ms}\n",
        'other 1\nuses_total{{kind="tea"}} 7 {ms}\n',
        "# TYPE uses counter\nuses_total 7 {s}\n# EOF\n",
        "# TYPE uses_total counter\nother 1 {ms}\n",
    ],
    ids=["text", "labels", "openmetrics", "not counted yet"],
)
def test_a_page_that_is_behind_is_fetched_until_it_shows_the_moment_of_the_question(
    lag_s: float, line: str
) -> None:
    host = Host(lambda now: now - lag_s, line=line)
    host.asked()
    assert lag_s - 1.5 <= host.now - _START <= lag_s


def test_a_page_that_is_refreshed_seldom_is_waited_for() -> None:
    host = Host(lambda now: now - (now - _START + 9) % 15)
    host.asked()
    assert host.now - _START == 6.0


@pytest.mark.parametrize("skew_s", [0.0, -60.0, 60.0])
def test_a_live_page_is_fetched_once_also_from_a_host_whose_clock_differs(skew_s: float) -> None:
    host = Host(lambda now: now - 0.5, skew_s=skew_s)
    host.asked()
    assert host.fetches == 1


@pytest.mark.parametrize("line", ["uses_total 7\n", "uses_total 7\nother 1 5000\n", "<html>", ""])
def test_a_page_without_timestamps_of_the_counter_is_fetched_once(line: str) -> None:
    host = Host(lambda now: now - 10, line=line)
    host.asked()
    assert host.fetches == 1


def test_a_page_that_is_too_old_to_catch_up_is_not_waited_for() -> None:
    host = Host(lambda now: now - 60)
    host.asked()
    assert host.fetches == 1


def test_a_page_that_does_not_go_on_is_returned_after_a_while() -> None:
    host = Host(lambda _: _START - 5)
    assert host.asked().content
    assert host.now - _START == MAX_WAIT_S


def test_of_a_page_that_fails_meanwhile_the_last_good_one_is_kept() -> None:
    host = Host(lambda now: now - 10, fails_after=3)
    assert not host.asked().error
    assert host.fetches == 4
