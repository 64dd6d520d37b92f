from collections.abc import Iterable
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.figure import Figure, Reason
from witnesses.prometheus.growth import Growth
from witnesses.prometheus.increase import (
    Tally,
    growth,
    increase,
    is_quiet,
    span_of,
    zero,
)
from witnesses.prometheus.samples import Sample, ScrapeLog, ScrapeLogBuilder

BEGIN, END = 1_000.0, 2_000.0
_STILL_BEFORE = ((BEGIN - 20, 7.0), (BEGIN - 10, 7.0))
_UP_BEFORE = ((BEGIN - 20, 1.0), (BEGIN - 10, 1.0))
_UP = (*_UP_BEFORE, (END + 10, 1.0), (END + 20, 1.0), (END + 30, 1.0))


def _after(value: float) -> tuple[Sample, ...]:
    return tuple((END + seconds, value) for seconds in (10.0, 20.0, 30.0))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(0, 50))
def test_a_process_scraped_all_along_gives_the_exact_figure_and_how_it_grew(
    counts: list[int], total_before: int
) -> None:
    totals = list(accumulate(counts, initial=total_before))
    during = [(BEGIN + 10.0 * number, float(total)) for number, total in enumerate(totals, 1)]
    before = [(BEGIN - 20, float(total_before)), (BEGIN - 10, float(total_before))]
    samples = [*before, *during, *_after(float(totals[-1]))]
    scrape_log = ScrapeLog([(at, 1.0) for at, _ in samples])
    assert increase(samples, scrape_log, BEGIN, END) == Figure.exact(float(sum(counts)))
    grown = [each.grown for each in growth(samples, scrape_log, BEGIN)]
    assert grown == [total - total_before for total in (*totals, *(totals[-1],) * 3)]


def test_a_series_that_stood_still_grew_by_nothing() -> None:
    assert increase((*_STILL_BEFORE, *_after(7.0)), ScrapeLog(_UP), BEGIN, END) == Figure.exact(0.0)


def test_a_series_that_appears_at_one_during_the_run_grew_by_one() -> None:
    assert increase(_after(1.0), ScrapeLog(_UP), BEGIN, END) == Figure.exact(1.0)


@pytest.mark.parametrize("up_before", [(), ((BEGIN - 20, 1.0), (BEGIN - 10, 0.0))])
def test_a_series_that_appears_on_a_target_not_scraped_before_loses_its_first_value(
    up_before: tuple[Sample, ...],
) -> None:
    scrape_log = ScrapeLog((*up_before, (END + 10, 1.0)))
    figure = increase(((END - 10, 40.0), *_after(43.0)), scrape_log, BEGIN, END)
    assert figure == Figure.at_least(3.0, Reason.NOT_SCRAPED_BEFORE)


def test_a_process_started_during_the_run_began_at_zero() -> None:
    scrape_log = ScrapeLog(((END + 10, 1.0),), ((END + 10, BEGIN + 5),))
    assert increase(_after(4.0), scrape_log, BEGIN, END) == Figure.exact(4.0)


@pytest.mark.parametrize("failed_at", [BEGIN - 10, BEGIN + 2])
def test_a_scrape_that_failed_before_a_process_started_may_have_missed_another(
    failed_at: float,
) -> None:
    scrape_log = ScrapeLog(((failed_at, 0.0), (END + 10, 1.0)), ((END + 10, BEGIN + 5),))
    figure = increase(_after(4.0), scrape_log, BEGIN, END)
    assert figure == Figure.at_least(4.0, Reason.NOT_SCRAPED_BEFORE_START)


def test_a_process_started_for_the_run_began_at_zero() -> None:
    scrape_log = ScrapeLog(((END + 10, 1.0),), ((END + 10, BEGIN - 5),), fresh=True)
    assert increase(_after(4.0), scrape_log, BEGIN, END) == Figure.exact(4.0)


@pytest.mark.parametrize(
    ("start_time", "restarted"), [(BEGIN + 100, True), (BEGIN - 0.9, True), (BEGIN - 1.1, False)]
)
def test_a_process_started_for_the_run_and_replaced_before_it_was_seen_is_a_lower_bound(
    start_time: float, restarted: bool
) -> None:
    """A start time may be shown up to a second too early."""
    scrape_log = ScrapeLog(((END + 10, 1.0),), ((END + 10, start_time),), fresh=True)
    figure = increase(_after(4.0), scrape_log, BEGIN, END)
    restart = Figure.at_least(4.0, Reason.PROCESS_RESTARTED)
    assert figure == (restart if restarted else Figure.exact(4.0))


def test_two_processes_may_show_the_same_whole_second_as_their_start_time() -> None:
    started = BEGIN + 40.0
    samples = ((started + 0.4, 5.0), *_after(7.0))
    scrape_log = ScrapeLog(_UP, tuple((at, started) for at, _ in samples))
    figure = increase(samples, scrape_log, BEGIN, END)
    assert figure.reason is Reason.PERHAPS_RESTARTED
    to_the_tick = ScrapeLog(_UP, tuple((at, started + 0.01) for at, _ in samples))
    assert increase(samples, to_the_tick, BEGIN, END) == Figure.exact(7.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_nothing_follows_from_a_series_whose_scrapes_are_not_known(fresh: bool) -> None:
    """A recording rule may add a target up twice, and has no scrapes of its own."""
    figure = increase((*_STILL_BEFORE, *_after(9.0)), ScrapeLog(fresh=fresh), BEGIN, END)
    assert figure == Figure.void(Reason.SCRAPES_UNKNOWN)


def test_a_scrape_under_way_at_the_first_request_is_no_baseline() -> None:
    samples = (*_STILL_BEFORE, (BEGIN - 0.1, 8.0), *_after(9.0))
    ups = (*_UP_BEFORE, (BEGIN - 0.1, 1.0))
    under_way = ScrapeLog(ups, durations=((BEGIN - 10, 0.1), (BEGIN - 0.1, 0.4)))
    assert increase(samples, under_way, BEGIN, END) == Figure.exact(2.0)
    assert growth(samples, under_way, BEGIN)[0] == Growth(BEGIN - 0.1, BEGIN + 0.3, 1.0)
    answered = ScrapeLog(ups, durations=((BEGIN - 0.1, 0.05),))
    assert increase(samples, answered, BEGIN, END).reason is Reason.MOVED_BEFORE


def test_a_series_that_vanished_before_the_baseline_began_again_at_zero() -> None:
    samples = ((BEGIN - 30, 7.0), *_after(9.0))
    scrape_log = ScrapeLog(((BEGIN - 30, 1.0), *_UP))
    assert increase(samples, scrape_log, BEGIN, END) == Figure.exact(9.0)


def test_a_series_that_vanished_in_between_was_reset() -> None:
    samples = (*_STILL_BEFORE, (BEGIN + 50, 9.0), *_after(11.0))
    scrape_log = ScrapeLog((*_UP_BEFORE, (BEGIN + 50, 1.0), (BEGIN + 60, 1.0), *_UP[2:]))
    assert increase(samples, scrape_log, BEGIN, END) == Figure.void(Reason.COUNTER_FELL)


def test_timestamps_of_the_exposition_are_no_resets() -> None:
    own = [(at - 3.2, value) for at, value in (*_STILL_BEFORE, (BEGIN + 50, 9.0), *_after(9.0))]
    ups = (*_UP_BEFORE, (BEGIN + 50, 1.0), *((END + at, 1.0) for at in (10, 20, 30)))
    assert increase(own, ScrapeLog(ups), BEGIN, END) == Figure.exact(2.0)


def test_a_restart_that_ends_higher_is_a_lower_bound() -> None:
    start_times = ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))
    figure = increase((*_STILL_BEFORE, *_after(9.0)), ScrapeLog(_UP, start_times), BEGIN, END)
    assert figure.value == 2.0
    assert figure.reason is Reason.PROCESS_RESTARTED


def test_a_drop_is_a_reset_and_adds_the_new_value() -> None:
    start_times = ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))
    samples = (*_STILL_BEFORE, (BEGIN + 50, 12.0), *_after(3.0))
    figure = increase(samples, ScrapeLog(_UP, start_times), BEGIN, END)
    assert figure.value == 8.0
    assert figure.reason is Reason.PROCESS_RESTARTED


def test_a_drop_on_a_target_without_a_start_time_is_a_lower_bound() -> None:
    samples = (*_STILL_BEFORE, (BEGIN + 50, 12.0), *_after(3.0))
    assert increase(samples, ScrapeLog(_UP), BEGIN, END).reason is Reason.COUNTER_FELL


def test_a_series_moving_before_the_first_request_is_an_upper_bound() -> None:
    """Others may have moved it during the run, too; nothing of ours can be missing."""
    samples = ((BEGIN - 20, 6.0), (BEGIN - 10, 7.0), *_after(9.0))
    figure = increase(samples, ScrapeLog(_UP), BEGIN, END)
    assert figure == Figure.at_most(2.0, Reason.MOVED_BEFORE)


def test_a_series_that_appears_between_the_last_scrapes_before_was_moving() -> None:
    samples = ((BEGIN - 10, 7.0), *_after(9.0))
    assert increase(samples, ScrapeLog(_UP), BEGIN, END).reason is Reason.MOVED_BEFORE


def test_what_moved_before_the_first_request_has_no_lower_bound() -> None:
    samples = ((BEGIN - 20, 6.0), (BEGIN - 10, 7.0), (BEGIN + 10, 20.0), *_after(22.0))
    figure = increase(samples, ScrapeLog(_UP), BEGIN, END)
    assert (figure.low, figure.high) == (None, 15.0)


def test_one_scrape_before_does_not_show_that_a_series_stands_still() -> None:
    scrape_log = ScrapeLog(_UP[1:])
    figure = increase((_STILL_BEFORE[1], *_after(9.0)), scrape_log, BEGIN, END)
    assert figure == Figure(0.0, 2.0, Reason.NOT_STEADY_BEFORE)


def test_one_scrape_after_does_not_show_that_a_series_has_come_to_rest() -> None:
    figure = increase((*_STILL_BEFORE, (END + 10, 9.0)), ScrapeLog(_UP[:3]), BEGIN, END)
    assert figure == Figure.at_least(2.0, Reason.NOT_SETTLED)


def test_a_series_still_moving_when_read_bounds_nothing() -> None:
    samples = (*_STILL_BEFORE, (END + 10, 8.0), (END + 20, 8.0), (END + 30, 9.0))
    figure = increase(samples, ScrapeLog(_UP), BEGIN, END)
    assert figure == Figure(None, None, Reason.STILL_MOVING, "2 so far", late=1.0)


def test_a_series_that_ended_with_its_target_is_a_lower_bound() -> None:
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), ScrapeLog(_UP_BEFORE), BEGIN, END)
    assert figure == Figure.at_least(2.0, Reason.NOT_SCRAPED_AFTER)


def test_a_series_that_vanished_while_its_target_was_scraped_is_void() -> None:
    ups = (*_UP_BEFORE, (END - 5, 1.0), *_UP[2:])
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), ScrapeLog(ups), BEGIN, END)
    assert figure == Figure.void(Reason.COUNTER_FELL)


def test_a_sample_taken_at_the_first_request_is_still_the_baseline() -> None:
    samples = (*_STILL_BEFORE, (BEGIN, 8.0), *_after(9.0))
    assert increase(samples, ScrapeLog(_UP), BEGIN, END).reason is Reason.MOVED_BEFORE
    samples = (*_STILL_BEFORE, (BEGIN, 7.0), *_after(9.0))
    assert increase(samples, ScrapeLog(_UP), BEGIN, END) == Figure.exact(2.0)


def test_a_series_that_never_appeared_on_watched_targets_is_zero() -> None:
    assert zero([ScrapeLog(_UP), ScrapeLog(_UP)], BEGIN, END) == Figure.exact(0.0)


def test_a_series_that_never_appeared_anywhere_is_void() -> None:
    assert zero([], BEGIN, END) == Figure.void(Reason.NO_TARGET)


@pytest.mark.parametrize(
    ("scrape_log", "reason"),
    [
        (ScrapeLog(((END + 10, 1.0),)), Reason.NOT_SCRAPED_BEFORE),
        (ScrapeLog(_UP_BEFORE), Reason.NOT_SCRAPED_AFTER),
        (
            ScrapeLog(_UP, ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))),
            Reason.PROCESS_RESTARTED,
        ),
    ],
    ids=["not scraped before", "not scraped after", "restarted"],
)
def test_one_target_that_was_not_watched_makes_an_absent_series_void(
    scrape_log: ScrapeLog, reason: Reason
) -> None:
    figure = zero([ScrapeLog(_UP), scrape_log], BEGIN, END)
    assert figure.value is None
    assert figure.reason is reason


@pytest.mark.parametrize(
    ("samples", "quiet"),
    [
        (((END + 1, 5.0), (END + 2, 5.0), (END + 3, 5.0)), True),
        (((END + 1, 4.0), (END + 2, 5.0), (END + 3, 5.0), (END + 4, 5.0)), True),
        (((END + 1, 5.0), (END + 2, 5.0)), False),
        (((END - 1, 5.0), (END, 5.0), (END + 1, 5.0), (END + 2, 5.0)), False),
        (((END + 1, 5.0), (END + 2, 5.0), (END + 3, 6.0)), False),
        ((), False),
    ],
)
def test_a_series_is_quiet_after_three_equal_scrapes_begun_after_the_last_response(
    samples: tuple[Sample, ...], quiet: bool
) -> None:
    assert is_quiet(samples, END) is quiet


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_counter_that_is_no_finite_number_is_void(value: float) -> None:
    """Infinity less infinity is no number."""
    figure = increase((*_STILL_BEFORE, *_after(value)), ScrapeLog(_UP), BEGIN, END)
    assert figure == Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")


def test_a_series_of_two_targets_that_share_job_and_instance_is_void() -> None:
    """Two replicas of Prometheus show every series twice."""
    shared = ScrapeLog(_UP, is_shared=True)
    figure = increase((*_STILL_BEFORE, *_after(9.0)), shared, BEGIN, END)
    assert figure == Figure.void(Reason.SHARED_TARGET)


def test_a_target_that_shows_no_metrics_has_no_exact_zero() -> None:
    bare = ScrapeLog(_UP, is_bare=True)
    assert increase((), bare, BEGIN, END) == Figure.at_least(0.0, Reason.EMPTY_EXPOSITION)
    assert zero([bare], BEGIN, END) == Figure.void(Reason.EMPTY_EXPOSITION)


def test_what_is_counted_within_the_time_to_settle_is_not_late() -> None:
    moving = tuple((END + at, 8.0 if at < 5 else 9.0) for at in range(1, 9))
    ups = (*_UP_BEFORE, *((at, 1.0) for at, _ in moving))
    samples = (*_STILL_BEFORE, *moving)
    assert increase(samples, ScrapeLog(ups), BEGIN, END) == Figure.exact(2.0, late=1.0)
    assert increase(samples, ScrapeLog(ups), BEGIN, END, settle_s=5.0) == Figure.exact(2.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12), st.lists(st.booleans(), max_size=12))
def test_no_bound_is_below_zero(values: list[float], failed: list[bool]) -> None:
    """Whatever is scraped, successful or not, before and after."""
    stamps = [BEGIN - 30 + 150.0 * number for number in range(len(values))]
    ups = [(at, float(up)) for at, up in zip(stamps, [*failed, *[True] * 12], strict=False)]
    figure = increase(list(zip(stamps, values, strict=True)), ScrapeLog(ups), BEGIN, END)
    assert figure.low is None or figure.low >= 0
    assert figure.high is None or figure.high >= 0


def test_a_counter_that_cannot_show_an_increase_of_one_is_void() -> None:
    samples = [(at, value + 2.0**53) for at, value in (*_STILL_BEFORE, *_after(9.0))]
    figure = increase(samples, ScrapeLog(_UP), BEGIN, END)
    assert figure.reason is Reason.BEYOND_PRECISION


def test_a_start_time_that_wavers_by_a_tick_is_that_of_one_process() -> None:
    """Told apart while the log is built; the log itself holds one value per process."""
    wavering = [500.0, 500.01, 499.99, 500.0]
    builder = ScrapeLogBuilder(BEGIN, END, fresh=False)
    stamps = [BEGIN - 20, BEGIN - 10, END + 10, END + 20]
    builder.add([(at, 1.0) for at in stamps], list(zip(stamps, wavering, strict=True)), (), ())
    assert {value for _, value in builder.scrape_log.start_times} == {500.0}


@pytest.mark.parametrize(("at", "late"), [(0.75, 0.0), (1.0, 0.0), (1.5, 1.0)])
def test_what_the_first_scrape_after_a_second_of_grace_shows_is_not_late(
    at: float, late: float
) -> None:
    """A scrape shows all that was counted before it: the first since the grace is within it."""
    stamps = [END + seconds for seconds in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)]
    moving = [(stamp, 9.0 if stamp >= END + at else 8.0) for stamp in stamps]
    ups = (*_UP_BEFORE, *((stamp, 1.0) for stamp in stamps))
    figure = increase([*_STILL_BEFORE, *moving], ScrapeLog(ups), BEGIN, END)
    assert figure == Figure.exact(2.0, late=late)


@pytest.mark.parametrize(("at", "late"), [(1.0, 0.0), (1.5, 1.0)])
def test_the_time_to_settle_is_the_longer_of_it_and_the_grace(at: float, late: float) -> None:
    stamps = [END + seconds for seconds in (0.5, 1.0, 1.5, 2.0, 2.5)]
    moving = [(stamp, 9.0 if stamp >= END + at else 8.0) for stamp in stamps]
    ups = (*_UP_BEFORE, *((stamp, 1.0) for stamp in stamps))
    figure = increase([*_STILL_BEFORE, *moving], ScrapeLog(ups), BEGIN, END, settle_s=0.5)
    assert figure == Figure.exact(2.0, late=late)


@pytest.mark.parametrize(
    ("at", "duration_s", "is_baseline"),
    [(BEGIN - 0.5, 0.5, True), (BEGIN - 0.5, 0.75, False), (BEGIN, 0.25, False)],
    ids=["answered as it begins", "under way as it begins", "begun as it begins"],
)
def test_a_scrape_answered_by_the_first_request_is_the_baseline(
    at: float, duration_s: float, is_baseline: bool
) -> None:
    scrape_log = ScrapeLog((*_UP_BEFORE, (at, 1.0), *_UP[2:]), durations=((at, duration_s),))
    figure = increase((*_STILL_BEFORE, (at, 8.0), *_after(9.0)), scrape_log, BEGIN, END)
    expected = Figure.at_most(2.0, Reason.MOVED_BEFORE) if is_baseline else Figure.exact(2.0)
    assert figure.reason is expected.reason
    assert (figure.value == 2.0) is not is_baseline


def test_a_scrape_begun_with_the_last_response_does_not_show_that_a_series_is_at_rest() -> None:
    samples = (*_STILL_BEFORE, (END, 9.0), (END + 10, 9.0), (END + 20, 9.0))
    scrape_log = ScrapeLog([(at, 1.0) for at, _ in samples])
    figure = increase(samples, scrape_log, BEGIN, END)
    assert figure == Figure.at_least(2.0, Reason.NOT_SETTLED)


@pytest.mark.parametrize(
    ("start_time", "is_new"),
    [(BEGIN - 0.5, False), (BEGIN + 0.5, False), (BEGIN + 1.0, False), (BEGIN + 1.5, True)],
)
def test_only_a_process_started_a_second_after_the_first_request_surely_began_at_zero(
    start_time: float, is_new: bool
) -> None:
    scrape_log = ScrapeLog(((END + 10, 1.0),), ((END + 10, start_time),))
    figure = increase(_after(4.0), scrape_log, BEGIN, END)
    unknown = Figure.at_least(0.0, Reason.NOT_SCRAPED_BEFORE)
    assert figure == (Figure.exact(4.0) if is_new else unknown)


@pytest.mark.parametrize(
    ("failed_at", "reason"),
    [
        (BEGIN + 5.5, Reason.NOT_SCRAPED_BEFORE_START),
        (BEGIN + 6.0, None),
        (BEGIN + 6.5, None),
    ],
)
def test_a_scrape_that_failed_after_a_process_started_misses_no_other(
    failed_at: float, reason: Reason | None
) -> None:
    scrape_log = ScrapeLog(((failed_at, 0.0), (END + 10, 1.0)), ((END + 10, BEGIN + 5),))
    assert increase(_after(4.0), scrape_log, BEGIN, END).reason is reason


@pytest.mark.parametrize(
    ("age_s", "reason"), [(0.75, Reason.PERHAPS_RESTARTED), (1.0, None), (1.25, None)]
)
def test_only_a_process_scraped_within_its_first_second_may_share_its_start_time(
    age_s: float, reason: Reason | None
) -> None:
    started = BEGIN + 40.0
    samples = ((started + age_s, 5.0), *_after(7.0))
    scrape_log = ScrapeLog(_UP, tuple((at, started) for at, _ in samples))
    assert increase(samples, scrape_log, BEGIN, END).reason is reason


def test_a_counter_at_two_to_the_53rd_may_hide_further_counts() -> None:
    top = 2.0**53
    samples = ((BEGIN - 20, top - 2), (BEGIN - 10, top - 2), *_after(top))
    assert increase(samples, ScrapeLog(_UP), BEGIN, END).reason is Reason.BEYOND_PRECISION


def test_a_window_may_begin_with_the_scrape_at_the_first_request() -> None:
    scrape_log = ScrapeLog([(at, 1.0) for at, _ in ((BEGIN, 1.0), *_UP[2:])])
    figure = increase(((BEGIN, 7.0), *_after(9.0)), scrape_log, BEGIN, END)
    assert figure == Figure(0.0, 2.0, Reason.NOT_STEADY_BEFORE)


def test_a_window_may_end_with_the_first_scrape_after_the_grace() -> None:
    windows = [(*_STILL_BEFORE, (END + 1.0, 8.0)), ((END + 2.0, 9.0), *_after(9.0))]
    stamps = [at for window in windows for at, _ in window]
    scrape_log, tally = ScrapeLog([(at, 1.0) for at in stamps]), Tally()
    span = span_of(scrape_log, BEGIN, END)
    for window in windows:
        tally.add(window, [at for at, _ in window], span)
    assert tally.figure(scrape_log, span) == Figure.exact(2.0, late=1.0)


@pytest.mark.parametrize(("before", "after"), [(7.0, 2.0**53 + 2), (2.0**53 + 2, 7.0)])
def test_a_counter_beyond_precision_on_either_side_is_void(before: float, after: float) -> None:
    samples = ((BEGIN - 20, before), (BEGIN - 10, before), *_after(after))
    figure = increase(samples, ScrapeLog(_UP), BEGIN, END)
    assert figure.reason is Reason.BEYOND_PRECISION


def test_a_process_in_its_first_second_at_the_baseline_may_be_replaced_after_it() -> None:
    started = BEGIN - 10
    scrape_log = ScrapeLog(_UP, ((started, started), (END + 10, started)))
    figure = increase((*_STILL_BEFORE, *_after(9.0)), scrape_log, BEGIN, END)
    assert figure.reason is Reason.PERHAPS_RESTARTED


@pytest.mark.parametrize(
    ("failed_at", "reason"), [(BEGIN, Reason.NOT_SCRAPED_BEFORE), (BEGIN + 1, None)]
)
def test_a_scrape_that_failed_by_the_first_request_leaves_the_baseline_unknown(
    failed_at: float, reason: Reason | None
) -> None:
    scrape_log = ScrapeLog((*_UP_BEFORE, (failed_at, 0.0), *_UP[2:]))
    figure = increase((*_STILL_BEFORE, *_after(9.0)), scrape_log, BEGIN, END)
    assert figure.reason is reason


@pytest.mark.parametrize(("last", "reason"), [(END, Reason.NOT_SCRAPED_AFTER), (END + 1, None)])
def test_where_others_count_one_scrape_after_the_last_response_is_enough(
    last: float, reason: Reason | None
) -> None:
    samples = ((BEGIN - 20, 5.0), (BEGIN - 10, 7.0), (last, 9.0))
    scrape_log, tally = ScrapeLog([(at, 1.0) for at, _ in samples]), Tally()
    span = span_of(scrape_log, BEGIN, END, has_others=True)
    tally.add(samples, [at for at, _ in samples], span)
    assert tally.figure(scrape_log, span).reason is reason


def _figure(samples: Iterable[Sample], scrape_log: ScrapeLog, *, is_new: bool) -> Figure:
    span, tally = span_of(scrape_log, BEGIN, END, is_new=is_new), Tally()
    tally.add(list(samples), [at for at, up in scrape_log.ups if up], span)
    return tally.figure(scrape_log, span)


@pytest.mark.parametrize(("is_new", "low"), [(False, 3.0), (True, 43.0)])
def test_a_series_of_a_new_tenant_began_at_zero_though_its_target_was_not_scraped_before(
    is_new: bool, low: float
) -> None:
    samples = ((END - 10, 40.0), *_after(43.0))
    log = ScrapeLog(tuple((at, 1.0) for at, _ in samples))
    figure = _figure(samples, log, is_new=is_new)
    assert (figure.low, figure.is_exact) == (low, is_new)


@pytest.mark.parametrize(("is_new", "low"), [(False, 10.0), (True, 50.0)])
def test_a_series_of_a_new_tenant_began_at_zero_though_pages_have_their_own_timestamps(
    is_new: bool, low: float
) -> None:
    own = ((BEGIN + 8.5, 40.0), (END + 6.0, 50.0), (END + 16.0, 50.0), (END + 26.0, 50.0))
    figure = _figure(own, ScrapeLog((*_UP[:2], (BEGIN + 10, 1.0), *_UP[2:])), is_new=is_new)
    assert (figure.low, figure.is_exact) == (low, is_new)


def test_a_restart_leaves_a_new_tenants_series_a_lower_bound() -> None:
    start_times = ((BEGIN + 10, 100.0), (END + 10, BEGIN + 100))
    log = ScrapeLog(((BEGIN + 10, 1.0), *_UP[2:]), start_times)
    figure = _figure(((BEGIN + 10, 2.0), *_after(9.0)), log, is_new=True)
    assert (figure.low, figure.reason) == (9.0, Reason.PROCESS_RESTARTED)


def test_two_pages_of_their_own_timestamps_show_that_counting_has_ended_as_three_scrapes_do() -> (
    None
):
    pages = [(END + 10.0, 5.0), (END + 20.0, 5.0)]
    assert is_quiet(pages, END, is_own=True)
    assert not is_quiet(pages, END)
    assert not is_quiet(pages[1:], END, is_own=True)
    assert not is_quiet([pages[0], (END + 20.0, 6.0)], END, is_own=True)
