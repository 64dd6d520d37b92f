import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.prometheus.samples import (
    NO_SCRAPES,
    Sample,
    ScrapeLogBuilder,
    Series,
    at_scrapes,
    has_own_timestamps,
    later,
    raw_series,
    read_series,
    scrapes_of,
)

BEGIN, END = 100.0, 200.0


def test_a_value_is_the_number_that_its_text_says() -> None:
    values = [[1, "1e+06"], [2.5, "+Inf"], [3, "0.25"], [4, "-Inf"]]
    answer = json.dumps({"data": {"result": [{"metric": {"a": "é<"}, "values": values}]}})
    (series,) = raw_series(answer.encode())
    assert series.samples == [(1.0, 1e6), (2.5, float("inf")), (3.0, 0.25), (4.0, float("-inf"))]
    assert series.labels == {"a": "é<"}


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"data": {"result": [{"metric": {}, "value": [1, "2"]}]}}',
               b'{"data": {"result": [{"metric": {}, "values": [[1, "x"]]}]}}', b"\xff"]
)  # fmt: skip
def test_what_is_no_range_vector_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not the range vector"):
        list(raw_series(answer))


def test_labels_that_are_no_mapping_of_text_are_refused_when_they_are_needed() -> None:
    answer = json.dumps({"data": {"result": [{"metric": [1], "values": [[1, "2"]]}]}})
    (series,) = raw_series(answer.encode())
    assert series.samples == [(1.0, 2.0)]
    with pytest.raises(ValueError, match="no mapping of text"):
        _ = series.labels


def test_a_series_names_the_target_that_it_was_scraped_from() -> None:
    metric = {"job": "shop", "instance": "shop:80", "kind": "tea"}
    answer = json.dumps({"data": {"result": [{"metric": metric, "values": []}]}})
    (series,) = read_series(answer.encode())
    assert series.target == ("shop", "shop:80")
    assert Series({}, ()).target == ("", "")


@given(st.lists(st.integers(0, 20), unique=True).map(sorted), st.integers(-1, 21))
def test_later_samples_are_those_after_an_instant(stamps: list[int], at: int) -> None:
    samples = [(float(stamp), 1.0) for stamp in stamps]
    assert list(later(samples, at)) == [sample for sample in samples if sample[0] > at]


def test_only_successful_scrapes_have_times() -> None:
    assert scrapes_of([(10.0, 1.0), (20.0, 0.0), (30.0, 1.0)]) == [10.0, 30.0]


def test_a_scrape_that_did_not_show_a_counter_shows_it_at_zero() -> None:
    scrapes = scrapes_of([(10.0, 1.0), (20.0, 1.0), (30.0, 1.0)])
    assert at_scrapes([(20.0, 4.0)], scrapes) == [(10.0, 0.0), (20.0, 4.0), (30.0, 0.0)]


def test_samples_that_no_scrape_stamped_have_timestamps_of_the_exposition() -> None:
    assert has_own_timestamps([(7.0, 1.0)], [10.0])
    assert not has_own_timestamps([(10.0, 1.0)], [10.0, 20.0])
    assert not has_own_timestamps([(7.0, 1.0)], [])


def test_an_exposition_with_timestamps_of_its_own_shows_no_zero() -> None:
    scrapes = scrapes_of([(10.0, 1.0), (20.0, 1.0), (30.0, 1.0)])
    own = [(17.0, 1_000.0), (27.0, 1_020.0)]
    assert at_scrapes(own, scrapes, is_own=True) == own
    assert at_scrapes(own, scrapes, shown_at=7.0, is_own=True) == own
    assert at_scrapes([], scrapes, shown_at=7.0, is_own=True) == []


def test_a_scrape_that_failed_shows_no_zero() -> None:
    scrapes = scrapes_of([(10.0, 0.0), (20.0, 1.0), (30.0, 0.0)])
    assert at_scrapes([(20.0, 4.0)], scrapes) == [(20.0, 4.0)]


def test_a_sample_of_the_window_before_is_not_taken_for_a_missing_one() -> None:
    assert at_scrapes([], [10.0], shown_at=10.0) == []
    assert at_scrapes([], [10.0], shown_at=0.0) == [(10.0, 0.0)]


def _builder() -> ScrapeLogBuilder:
    return ScrapeLogBuilder(BEGIN, END, fresh=False)


def test_a_scrape_log_counts_the_scrapes_since_the_first_request_and_the_failed_ones() -> None:
    builder = _builder()
    builder.add([(90.0, 0.0), (110.0, 1.0), (120.0, 0.0), (210.0, 1.0)], (), (), ())
    assert (builder.scrape_log.tried, builder.scrape_log.failed) == (3, 1)


def test_a_scrape_in_two_windows_is_counted_once() -> None:
    builder = _builder()
    ups: list[Sample] = [(110.0, 1.0), (120.0, 0.0)]
    builder.add(ups, (), (), ())
    builder.add([*ups, (130.0, 1.0)], (), (), ())
    assert (builder.scrape_log.tried, builder.scrape_log.failed) == (3, 1)
    assert builder.scrapes == [130.0]


def test_a_process_is_kept_twice_and_each_further_one_too() -> None:
    builder = _builder()
    starts = [(110.0 + n, 50.0 if n < 5 else 112.0) for n in range(9)]
    builder.add((), starts, (), ())
    kept = [start for _, start in builder.scrape_log.start_times]
    assert kept == [50.0, 50.0, 112.0, 112.0]


def test_a_target_is_bare_if_its_last_good_scrape_showed_no_metrics() -> None:
    builder = _builder()
    builder.add([(110.0, 1.0), (120.0, 1.0)], (), (), [(110.0, 9.0), (120.0, 0.0)])
    assert builder.scrape_log.is_bare
    builder.add([(130.0, 0.0)], (), (), [(130.0, 9.0)])
    assert builder.scrape_log.is_bare
    builder.add([(140.0, 1.0)], (), (), [(140.0, 9.0)])
    assert not builder.scrape_log.is_bare


def test_a_target_that_was_not_scraped_has_no_scrapes() -> None:
    assert _builder().scrapes == NO_SCRAPES
    assert list(_builder().scrape_log.ups) == []


@pytest.mark.parametrize(("seen_at", "kept"), [(51.75, 50.5), (52.0, 50.0), (52.25, 50.0)])
def test_only_a_process_seen_after_its_first_two_seconds_may_show_another_start_time(
    seen_at: float, kept: float
) -> None:
    """One that was younger may have been replaced since, within the margin of its start time."""
    builder = _builder()
    builder.add((), [(seen_at, 50.0), (110.0, 50.5)], (), ())
    assert list(builder.scrape_log.start_times) == [(seen_at, 50.0), (110.0, kept)]


def test_of_the_successful_scrapes_those_outside_of_the_run_are_kept() -> None:
    builder = _builder()
    stamps = (99.0, BEGIN, 101.0, 150.0, END, 201.0)
    builder.add([(at, 1.0) for at in stamps], (), (), ())
    assert [at for at, _ in builder.scrape_log.ups] == [99.0, BEGIN, 201.0]
    assert builder.scrape_log.tried == 4


def test_of_the_failed_scrapes_the_first_since_the_first_request_is_kept() -> None:
    builder = _builder()
    builder.add([(99.0, 1.0), (BEGIN, 0.0), (110.0, 0.0), (120.0, 0.0)], (), (), ())
    assert list(builder.scrape_log.ups) == [(99.0, 1.0), (BEGIN, 0.0), (110.0, 0.0)]
    assert builder.scrape_log.failed == 2


def test_the_durations_of_scrapes_begun_by_the_first_request_are_kept() -> None:
    builder = _builder()
    builder.add((), (), [(90.0, 0.1), (BEGIN, 0.2), (101.0, 0.3)], ())
    builder.add((), (), [(BEGIN, 0.2), (110.0, 0.4)], ())
    assert list(builder.scrape_log.durations) == [(90.0, 0.1), (BEGIN, 0.2)]
    assert builder.durations_s == {BEGIN: 0.2, 110.0: 0.4}


def test_a_scrape_before_the_first_own_timestamp_shows_no_zero_either() -> None:
    """The series may have been there all the time, with an older timestamp."""
    own = [(17.0, 4.0), (27.0, 6.0)]
    assert at_scrapes(own, [10.0, 17.0, 20.0], is_own=True) == own


def test_a_start_time_at_the_first_request_is_one_before_it() -> None:
    builder = _builder()
    builder.add((), [(at, 50.0) for at in (BEGIN, 110.0, 120.0, 130.0)], (), ())
    assert [at for at, _ in builder.scrape_log.start_times] == [BEGIN, 110.0, 120.0]
