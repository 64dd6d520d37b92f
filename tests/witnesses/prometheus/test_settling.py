"""How long settling takes, as a run announces it."""

import pytest

from witnesses.prometheus.increase import QUIET_SCRAPES, Tally, span_of
from witnesses.prometheus.samples import ScrapeLog
from witnesses.prometheus.settling import Settling


@pytest.mark.parametrize("interval_s", [1.0, 15.0, 60.0])
def test_what_is_announced_is_the_least_after_which_a_figure_is_exact(interval_s: float) -> None:
    """The first scrape may have been just before the last response: then it takes all of it."""
    end, settling = 1_000.0, Settling(interval_s)
    stamps = [end + number * interval_s for number in range(-3, QUIET_SCRAPES + 1)]

    def is_exact(until: float) -> bool:
        seen = [at for at in stamps if at <= until]
        log = ScrapeLog(ups=[(at, 1.0) for at in seen])
        tally, span = Tally(), span_of(log, end - interval_s / 2, end)
        tally.add([(at, 7.0) for at in seen], seen, span)
        return tally.figure(log, span).is_exact

    assert is_exact(end + settling.duration_s)
    assert not is_exact(end + settling.duration_s - 0.001)


def test_a_settle_and_a_lag_delay_it() -> None:
    assert Settling(15.0, delay_s=65.0).duration_s == 110.0
