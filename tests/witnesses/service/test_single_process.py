from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.service.single_process import look_again


def _page(uses: float, birth: float = 500.0) -> bytes:
    return (
        f'# TYPE uses_total counter\nuses_total{{kind="a b"}} {uses}\nprocess_resident_bytes 7\n'
        f"process_start_time_seconds {birth}\n"
    ).encode()


def test_a_process_whose_counters_only_rise_raises_no_doubt() -> None:
    pages = (_page(n) for n in range(100))
    looks = look_again(next(pages), lambda: next(pages))
    assert (looks.number, looks.doubt) == (20, "")
    assert set(looks.births) == {500.0}


def test_two_processes_behind_one_address_are_told_by_their_start_times() -> None:
    pages = cycle([_page(1), _page(1, birth=500.01)])
    looks = look_again(next(pages), lambda: next(pages))
    assert "several processes" in looks.doubt
    assert looks.number == 2


def test_counters_that_go_up_and_down_are_named() -> None:
    pages = cycle([_page(3), _page(2)])
    assert 'uses_total{kind="a b"} went down' in look_again(next(pages), lambda: next(pages)).doubt


def test_a_series_that_only_one_process_has_is_seen_to_vanish() -> None:
    pages = cycle([_page(3), b"process_start_time_seconds 500.0\n"])
    assert "uses_total" in look_again(next(pages), lambda: next(pages)).doubt


def test_a_second_process_is_found_though_it_answers_seldom() -> None:
    pages = iter([_page(3)] * 15 + [_page(3, birth=501.0)])
    assert look_again(next(pages), lambda: next(pages)).doubt


def test_an_answer_that_does_not_come_ends_the_looking_without_a_doubt() -> None:
    assert look_again(_page(1), lambda: None).doubt == ""


def test_a_large_page_is_looked_at_less_often() -> None:
    large = _page(1) + b"# comment\n" * 400_000
    assert look_again(large, lambda: large).number == 3


@pytest.mark.parametrize("page", [b"", b"\xff\xfe", b"<html>", b"uses_total soon\n"])
def test_what_is_not_metrics_raises_no_doubt_and_does_not_crash(page: bytes) -> None:
    assert look_again(page, lambda: page).doubt == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at_without_a_crash(page: bytes) -> None:
    assert look_again(page, lambda: page).doubt == ""
