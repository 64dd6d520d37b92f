"""By how much a value may differ from what a page prints, as other printers of digits show."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.service.printed_digits import printed_digits

_WHOLE = Fraction(1)
START_TIME = 1_764_263_097.12


def _shortest(value: float) -> str:
    """Write a number as Go's shortest form: an exponent from a million on, no digit too many."""
    mantissa, _, exponent = min(
        (text for text in (f"{value:.{n}e}" for n in range(17)) if float(text) == value), key=len
    ).partition("e")
    return f"{mantissa}e{exponent}" if value >= 1e6 else f"{value:g}"


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        ("51", 0), ("999999", 0), ("1000020", 0), ("1000020.0", 0), ("1.00002e+06", 5),
        ("1e+06", 500_000), ("1.5e+07", 500_000), ("1.000020e+06", 0), ("1.234568e+09", 500),
        ("1.0E7", 500_000), ("1.0000002E7", 0), ("1.5e-05", 0), ("+Inf", 0), ("NaN", 0),
    ],
)  # fmt: skip
def test_the_last_digit_of_a_lone_value_bounds_it(printed: str, error: int) -> None:
    assert printed_digits(f"a_total {printed}\n").error(float(printed), _WHOLE) == error


def test_one_value_with_more_digits_shows_that_the_page_is_not_limited_to_fewer() -> None:
    shown = printed_digits("a_total 1e+06\nprocess_start_time_seconds 1.76426309712e+09\n")
    assert shown.error(1e6, _WHOLE) == 0


def test_a_long_value_in_another_notation_shows_nothing_of_the_printer_of_counters() -> None:
    shown = printed_digits("a_total 1e+06\nprocess_start_time_seconds 1764263097.12\nb 1234567\n")
    assert shown.error(1e6, _WHOLE) == 500_000


def test_the_pages_before_and_after_are_of_one_printer() -> None:
    before, after = printed_digits("a_total 1e+06\n"), printed_digits("a_total 1.000024e+06\n")
    assert (before | after).error(1e6, _WHOLE) == 0


def test_labels_comments_and_exemplars_are_no_values() -> None:
    page = '# HELP a_total of 1.23456789e+09\na_total{at="1.23456789e+09 x"} 1e+06\n'
    assert printed_digits(page).error(1e6, _WHOLE) == 500_000
    exemplar = 'a_total 1e+06 # {trace="x"} 1.0 1764263097.12\n'
    assert printed_digits(exemplar).error(1e6, _WHOLE) == 500_000


@pytest.mark.parametrize(("resolution", "error"), [("0.001", 5), ("5", 5), ("10", 0), ("100", 0)])
def test_a_multiple_of_the_printed_unit_is_exact(resolution: str, error: int) -> None:
    shown = printed_digits("a_total 1.00002e+06\n")
    assert shown.error(1_000_020.0, Fraction(resolution)) == error


@given(st.integers(0, 2**53), st.sampled_from(["g", "e", ".3g", ".9g", ".12e"]))
def test_a_count_is_within_the_error_of_what_is_printed(count: int, form: str) -> None:
    printed = f"{count:{form}}"
    error = printed_digits(f"a_total {printed}\n").error(float(printed), _WHOLE)
    assert abs(count - int(float(printed))) <= error


@given(st.integers(0, 2**40))
def test_a_count_in_its_shortest_form_is_exact_beside_a_start_time(count: int) -> None:
    page = f"a_total {_shortest(count)}\nprocess_start_time_seconds {_shortest(START_TIME)}\n"
    unit = 10 ** max(0, len(str(count)) - 12)
    assert printed_digits(page).error(float(count), _WHOLE) <= unit / 2 * (unit > 1)
