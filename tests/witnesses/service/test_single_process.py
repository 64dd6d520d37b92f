from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.service.single_process import RepeatedScrapes, scrape_repeatedly


def _exposition(uses: float, start_time: float = 500.0) -> bytes:
    return (
        f'# TYPE uses_total counter\nuses_total{{kind="a b"}} {uses}\nprocess_resident_bytes 7\n'
        f"process_start_time_seconds {start_time}\n"
    ).encode()


def test_a_process_whose_counters_only_rise_is_a_single_one() -> None:
    expositions = (_exposition(n) for n in range(100))
    scrapes = scrape_repeatedly(next(expositions), lambda: next(expositions))
    assert (scrapes.number, scrapes.fell, scrapes.shows_several_processes) == (20, "", False)
    assert set(scrapes.start_times) == {500.0}


def test_two_processes_behind_one_address_show_different_start_times() -> None:
    expositions = cycle([_exposition(1), _exposition(1, start_time=500.01)])
    scrapes = scrape_repeatedly(next(expositions), lambda: next(expositions))
    assert scrapes.shows_several_processes
    assert scrapes == RepeatedScrapes(2, (500.0, 500.01))


def test_a_counter_that_rises_and_falls_is_named() -> None:
    expositions = cycle([_exposition(3), _exposition(2)])
    scrapes = scrape_repeatedly(next(expositions), lambda: next(expositions))
    assert scrapes.fell == 'uses_total{kind="a b"}'
    assert scrapes.shows_several_processes


def test_a_series_that_only_one_process_has_falls_where_it_is_missing() -> None:
    expositions = cycle([_exposition(3), b"process_start_time_seconds 500.0\n"])
    scrapes = scrape_repeatedly(next(expositions), lambda: next(expositions))
    assert "uses_total" in scrapes.fell
    assert scrapes.shows_several_processes


def test_a_second_process_is_found_though_it_responds_seldom() -> None:
    expositions = iter([_exposition(3)] * 15 + [_exposition(3, start_time=501.0)])
    scrapes = scrape_repeatedly(next(expositions), lambda: next(expositions))
    assert scrapes.shows_several_processes


def test_a_scrape_that_fails_ends_the_repetition_and_shows_nothing() -> None:
    scrapes = scrape_repeatedly(_exposition(1), lambda: None)
    assert scrapes == RepeatedScrapes(1, (500.0,))
    assert not scrapes.shows_several_processes


def test_a_large_exposition_is_scraped_less_often() -> None:
    large = _exposition(1) + b"# comment\n" * 400_000
    assert scrape_repeatedly(large, lambda: large).number == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"<html>", b"uses_total soon\n"])
def test_what_is_no_exposition_shows_nothing_and_does_not_crash(content: bytes) -> None:
    assert not scrape_repeatedly(content, lambda: content).shows_several_processes


@given(st.binary(max_size=200))
def test_any_bytes_are_scraped_repeatedly_without_a_crash(content: bytes) -> None:
    assert not scrape_repeatedly(content, lambda: content).shows_several_processes
