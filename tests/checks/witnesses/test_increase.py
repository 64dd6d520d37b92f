from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.witnesses.figure import Figure
from checks.witnesses.increase import increase, is_quiet, zero
from checks.witnesses.samples import Sample, Watch

BEGIN, END = 1_000.0, 2_000.0
_STILL_BEFORE = ((BEGIN - 20, 7.0), (BEGIN - 10, 7.0))
_UP = ((BEGIN - 20, 1.0), (BEGIN - 10, 1.0), (END + 10, 1.0))


def _after(value: float) -> tuple[Sample, ...]:
    return tuple((END + seconds, value) for seconds in (10.0, 20.0, 30.0))


@dataclass
class CountingProcess:
    """A counter in a process, and the Prometheus that scrapes it; the truth is known."""

    value: float | None
    born: float = BEGIN - 500
    truth: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    ups: list[Sample] = field(default_factory=list)
    births: list[Sample] = field(default_factory=list)

    def count(self, amount: int) -> None:
        self.value = (self.value or 0.0) + amount
        self.truth += amount

    def restart(self, at: float, initialised: bool) -> None:
        self.born, self.value = at, 0.0 if initialised else None

    def scrape(self, at: float, reached: bool) -> None:
        self.ups.append((at, float(reached)))
        if reached:
            self.births.append((at, self.born))
            if self.value is not None:
                self.samples.append((at, self.value))

    def figure(self, fresh: bool) -> Figure:
        watch = Watch(self.ups, self.births, fresh)
        if self.samples:
            return increase(self.samples, watch, BEGIN, END)
        return zero([watch], BEGIN, END)


_EVENTS = st.one_of(
    st.tuples(st.just("count"), st.integers(1, 9)),
    st.tuples(st.just("scrape"), st.booleans()),
    st.tuples(st.just("restart"), st.booleans()),
)


@st.composite
def _histories(draw: st.DrawFn) -> tuple[CountingProcess, bool]:
    """Draw a run: nothing counts before BEGIN nor after END, as the barriers assure."""
    fresh = draw(st.booleans())
    unborn_or_zero = st.sampled_from([None, 0.0])
    value = draw(unborn_or_zero if fresh else st.one_of(unborn_or_zero, st.integers(1, 50)))
    process = CountingProcess(value)
    before = draw(st.lists(st.booleans(), max_size=3))
    for number, reached in enumerate(before):
        process.scrape(BEGIN - 30 + 10 * number, reached)
    was_seen = bool(before) and before[-1]
    for number, (kind, what) in enumerate(draw(st.lists(_EVENTS, max_size=12)), start=1):
        at = BEGIN + 10 * number
        if kind == "count":
            process.count(int(what))
        elif kind == "scrape":
            process.scrape(at, bool(what))
            was_seen = was_seen or bool(what)
        elif was_seen:  # what was never seen cannot be seen to be replaced
            process.restart(at, bool(what))
    for number, reached in enumerate(draw(st.lists(st.booleans(), max_size=5)), start=1):
        process.scrape(END + 10 * number, reached)
    return process, fresh


@settings(max_examples=400)
@given(_histories())
def test_an_exact_figure_is_the_truth_and_any_other_never_exceeds_it(
    history: tuple[CountingProcess, bool],
) -> None:
    process, fresh = history
    figure = process.figure(fresh)
    if figure.value is not None and not figure.remark:
        assert figure.value == process.truth
    elif figure.value is not None:
        assert figure.value <= process.truth


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.integers(0, 50))
def test_a_process_scraped_all_along_gives_the_exact_figure(
    counts: list[int], total_before: int
) -> None:
    process = CountingProcess(float(total_before))
    for number in range(3):
        process.scrape(BEGIN - 30 + 10 * number, True)
    for number, amount in enumerate(counts):
        process.count(amount)
        process.scrape(BEGIN + 10 * number + 5, True)
    for number in range(3):
        process.scrape(END + 10 * number + 5, True)
    assert process.figure(fresh=False) == Figure(float(sum(counts)))


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


@pytest.mark.parametrize("up_before", [(), ((BEGIN - 10, 0.0),)])
def test_a_process_started_during_the_run_began_at_zero(up_before: tuple[Sample, ...]) -> None:
    watch = Watch((*up_before, (END + 10, 1.0)), ((END + 10, BEGIN + 5),))
    assert increase(_after(4.0), watch, BEGIN, END) == Figure(4.0)


def test_a_process_started_for_the_run_began_at_zero() -> None:
    watch = Watch(((END + 10, 1.0),), ((END + 10, BEGIN - 5),), fresh=True)
    assert increase(_after(4.0), watch, BEGIN, END) == Figure(4.0)


def test_a_process_started_for_the_run_and_replaced_before_it_was_seen_is_a_lower_bound() -> None:
    watch = Watch(((END + 10, 1.0),), ((END + 10, BEGIN + 100),), fresh=True)
    assert increase(_after(4.0), watch, BEGIN, END).remark


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
    assert figure == Figure(2.0, "it was moving before the first request")


def test_a_series_still_moving_when_read_is_a_lower_bound() -> None:
    samples = (*_STILL_BEFORE, (END + 10, 8.0), (END + 20, 8.0), (END + 30, 9.0))
    figure = increase(samples, Watch(_UP), BEGIN, END)
    assert figure == Figure(2.0, "it was still moving when it was read")


def test_a_series_that_ended_with_its_target_is_a_lower_bound() -> None:
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), Watch(_UP[:2]), BEGIN, END)
    assert figure == Figure(2.0, "its target was not scraped after the last answer")


def test_a_series_without_a_sample_after_the_last_answer_is_a_lower_bound() -> None:
    figure = increase((*_STILL_BEFORE, (END - 5, 9.0)), Watch(_UP), BEGIN, END)
    assert figure == Figure(2.0, "it has no sample after the last answer")


def test_a_sample_taken_at_the_first_request_is_still_the_baseline() -> None:
    samples = ((BEGIN, 7.0), *_after(9.0))
    assert increase(samples, Watch(_UP), BEGIN, END) == Figure(2.0)


def test_a_series_that_never_appeared_on_watched_targets_is_zero() -> None:
    assert zero([Watch(_UP), Watch(_UP)], BEGIN, END) == Figure(0.0)


def test_a_series_that_never_appeared_anywhere_is_no_data() -> None:
    assert zero([], BEGIN, END).value is None


@pytest.mark.parametrize(
    "watch",
    [
        Watch(((END + 10, 1.0),)),
        Watch(_UP[:2]),
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
