from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.figure import Figure
from witnesses.prometheus.increase import Growth, growth, increase, is_quiet, zero
from witnesses.prometheus.samples import Sample, Watch

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
    watch = Watch([(at, 1.0) for at, _ in samples])
    assert increase(samples, watch, BEGIN, END) == Figure(float(sum(counts)))
    grown = [each.grown for each in growth(samples, watch, BEGIN)]
    assert grown == [total - total_before for total in (*totals, *(totals[-1],) * 3)]


def test_a_series_that_stood_still_grew_by_nothing() -> None:
    assert increase((*_STILL_BEFORE, *_after(7.0)), Watch(_UP), BEGIN, END) == Figure(0.0)


def test_a_series_born_at_one_during_the_run_grew_by_one() -> None:
    assert increase(_after(1.0), Watch(_UP), BEGIN, END) == Figure(1.0)


@pytest.mark.parametrize("up_before", [(), ((BEGIN - 20, 1.0), (BEGIN - 10, 0.0))])
def test_a_series_born_on_a_target_not_scraped_before_loses_its_first_value(
    up_before: tuple[Sample, ...],
) -> None:
    watch = Watch((*up_before, (END + 10, 1.0)))
    figure = increase(((END - 10, 40.0), *_after(43.0)), watch, BEGIN, END)
    assert figure == Figure(3.0, "its target was not scraped before the first request")


def test_a_process_started_during_the_run_began_at_zero() -> None:
    watch = Watch(((END + 10, 1.0),), ((END + 10, BEGIN + 5),))
    assert increase(_after(4.0), watch, BEGIN, END) == Figure(4.0)


@pytest.mark.parametrize("failed_at", [BEGIN - 10, BEGIN + 2])
def test_a_scrape_that_failed_before_a_process_started_may_have_missed_another(
    failed_at: float,
) -> None:
    watch = Watch(((failed_at, 0.0), (END + 10, 1.0)), ((END + 10, BEGIN + 5),))
    figure = increase(_after(4.0), watch, BEGIN, END)
    assert figure == Figure(4.0, "its target was not scraped before its process began")


def test_a_process_started_for_the_run_began_at_zero() -> None:
    watch = Watch(((END + 10, 1.0),), ((END + 10, BEGIN - 5),), fresh=True)
    assert increase(_after(4.0), watch, BEGIN, END) == Figure(4.0)


@pytest.mark.parametrize(
    ("birth", "restarted"), [(BEGIN + 100, True), (BEGIN - 0.9, True), (BEGIN - 1.1, False)]
)
def test_a_process_started_for_the_run_and_replaced_before_it_was_seen_is_a_lower_bound(
    birth: float, restarted: bool
) -> None:
    """A start time may be told up to a second too early."""
    watch = Watch(((END + 10, 1.0),), ((END + 10, birth),), fresh=True)
    assert ("restarted" in increase(_after(4.0), watch, BEGIN, END).remark) is restarted


def test_two_processes_may_tell_the_same_whole_second() -> None:
    born = BEGIN + 40.0
    samples = ((born + 0.4, 5.0), *_after(7.0))
    watch = Watch(_UP, tuple((at, born) for at, _ in samples))
    figure = increase(samples, watch, BEGIN, END)
    assert figure.remark == "its process may have been restarted within a second of its start"
    to_the_tick = Watch(_UP, tuple((at, born + 0.01) for at, _ in samples))
    assert increase(samples, to_the_tick, BEGIN, END) == Figure(7.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_process_whose_scrapes_are_not_known_is_a_lower_bound(fresh: bool) -> None:
    assert increase((*_STILL_BEFORE, *_after(9.0)), Watch(fresh=fresh), BEGIN, END).remark


def test_a_scrape_under_way_at_the_first_request_is_no_baseline() -> None:
    samples = (*_STILL_BEFORE, (BEGIN - 0.1, 8.0), *_after(9.0))
    ups = (*_UP_BEFORE, (BEGIN - 0.1, 1.0))
    under_way = Watch(ups, durations=((BEGIN - 10, 0.1), (BEGIN - 0.1, 0.4)))
    assert increase(samples, under_way, BEGIN, END) == Figure(2.0)
    assert growth(samples, under_way, BEGIN)[0] == Growth(BEGIN - 0.1, BEGIN + 0.3, 1.0)
    answered = Watch(ups, durations=((BEGIN - 0.1, 0.05),))
    assert "moving" in increase(samples, answered, BEGIN, END).remark


def test_a_series_that_vanished_before_the_baseline_began_again_at_zero() -> None:
    samples = ((BEGIN - 30, 7.0), *_after(9.0))
    watch = Watch(((BEGIN - 30, 1.0), *_UP))
    assert increase(samples, watch, BEGIN, END) == Figure(9.0)


def test_a_series_that_vanished_in_between_was_reset() -> None:
    samples = (*_STILL_BEFORE, (BEGIN + 50, 9.0), *_after(11.0))
    watch = Watch((*_UP_BEFORE, (BEGIN + 50, 1.0), (BEGIN + 60, 1.0), *_UP[2:]))
    assert increase(samples, watch, BEGIN, END) == Figure(13.0, "its counter went down")


def test_a_restart_that_ends_higher_is_a_lower_bound() -> None:
    births = ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))
    figure = increase((*_STILL_BEFORE, *_after(9.0)), Watch(_UP, births), BEGIN, END)
    assert figure.value == 2.0
    assert "restarted" in figure.remark


def test_a_drop_is_a_reset_and_adds_the_new_value() -> None:
    births = ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))
    samples = (*_STILL_BEFORE, (BEGIN + 50, 12.0), *_after(3.0))
    figure = increase(samples, Watch(_UP, births), BEGIN, END)
    assert figure.value == 8.0
    assert "restarted" in figure.remark


def test_a_drop_on_a_target_that_tells_no_start_time_is_a_lower_bound() -> None:
    samples = (*_STILL_BEFORE, (BEGIN + 50, 12.0), *_after(3.0))
    assert increase(samples, Watch(_UP), BEGIN, END).remark


def test_a_series_moving_before_the_first_request_is_a_lower_bound() -> None:
    samples = ((BEGIN - 20, 6.0), (BEGIN - 10, 7.0), *_after(9.0))
    figure = increase(samples, Watch(_UP), BEGIN, END)
    assert figure == Figure(0.0, "it was moving before the first request")


def test_a_series_born_between_the_last_scrapes_before_was_moving() -> None:
    samples = ((BEGIN - 10, 7.0), *_after(9.0))
    assert "moving" in increase(samples, Watch(_UP), BEGIN, END).remark


def test_what_moved_before_the_first_request_is_in_no_lower_bound() -> None:
    samples = ((BEGIN - 20, 6.0), (BEGIN - 10, 7.0), (BEGIN + 10, 20.0), *_after(22.0))
    assert increase(samples, Watch(_UP), BEGIN, END).value == 2.0


def test_one_scrape_before_does_not_show_that_a_series_stands_still() -> None:
    watch = Watch(_UP[1:])
    figure = increase((_STILL_BEFORE[1], *_after(9.0)), watch, BEGIN, END)
    assert figure == Figure(0.0, "it was not seen to stand still before the first request")


def test_one_scrape_after_does_not_show_that_a_series_has_come_to_rest() -> None:
    figure = increase((*_STILL_BEFORE, (END + 10, 9.0)), Watch(_UP[:3]), BEGIN, END)
    assert figure == Figure(2.0, "it was not seen to stand still after the last answer")


def test_a_series_still_moving_when_read_is_a_lower_bound() -> None:
    samples = (*_STILL_BEFORE, (END + 10, 8.0), (END + 20, 8.0), (END + 30, 9.0))
    figure = increase(samples, Watch(_UP), BEGIN, END)
    assert figure == Figure(2.0, "it was still moving when it was read", late=1.0)


def test_a_series_that_ended_with_its_target_is_a_lower_bound() -> None:
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), Watch(_UP_BEFORE), BEGIN, END)
    assert figure == Figure(2.0, "its target was not scraped after the last answer")


def test_a_series_that_vanished_while_its_target_was_scraped_is_a_lower_bound() -> None:
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), Watch(_UP), BEGIN, END)
    assert figure == Figure(2.0, "its counter went down")


def test_a_sample_taken_at_the_first_request_is_still_the_baseline() -> None:
    samples = (*_STILL_BEFORE, (BEGIN, 8.0), *_after(9.0))
    assert "moving" in increase(samples, Watch(_UP), BEGIN, END).remark
    samples = (*_STILL_BEFORE, (BEGIN, 7.0), *_after(9.0))
    assert increase(samples, Watch(_UP), BEGIN, END) == Figure(2.0)


def test_a_series_that_never_appeared_on_watched_targets_is_zero() -> None:
    assert zero([Watch(_UP), Watch(_UP)], BEGIN, END) == Figure(0.0)


def test_a_series_that_never_appeared_anywhere_is_no_data() -> None:
    assert zero([], BEGIN, END).value is None


@pytest.mark.parametrize(
    "watch",
    [
        Watch(((END + 10, 1.0),)),
        Watch(_UP_BEFORE),
        Watch(_UP, ((BEGIN - 10, 100.0), (END + 10, BEGIN + 100))),
    ],
    ids=["not scraped before", "not scraped after", "restarted"],
)
def test_one_target_that_was_not_watched_makes_an_absent_series_no_data(watch: Watch) -> None:
    figure = zero([Watch(_UP), watch], BEGIN, END)
    assert figure.value is None
    assert figure.remark


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
def test_a_figure_is_quiet_after_three_equal_scrapes_begun_after_the_last_answer(
    samples: tuple[Sample, ...], quiet: bool
) -> None:
    assert is_quiet(samples, END) is quiet
