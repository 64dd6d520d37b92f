"""Does a duration become seconds, a percentage a ratio, and everything else a mistake?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import parse_duration, parse_share


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1ms", 0.001), ("500ms", 0.5), ("2.5s", 2.5), (" 3s ", 3.0), ("2m", 120.0), ("1.5h", 5400.0)],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "5 sec",
        "-1s",
        "1e3s",
        ".5s",
        "1s2s",
        "1 s",
        "inf s",
        5,
        2.5,
        True,
        None,
        ["1s"],
    ],
)
def test_what_has_no_number_and_unit_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match=r"write a number and a unit: 500ms, 2\.5s, 10m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0s", "0ms", "0.0h"])
def test_a_duration_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is not a duration above zero"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_thousand_milliseconds_are_a_second(number: int) -> None:
    assert parse_duration(f"{number * 1000}ms") == pytest.approx(parse_duration(f"{number}s"))
    assert parse_duration(f"{number * 60}s") == pytest.approx(parse_duration(f"{number}m"))
    assert parse_duration(f"{number * 60}m") == pytest.approx(parse_duration(f"{number}h"))


@pytest.mark.parametrize(
    ("text", "ratio"), [("0%", 0.0), ("99.5%", 0.995), ("100%", 1.0), (" 7 % ", 0.07)]
)
def test_a_percentage_is_a_ratio(text: str, ratio: float) -> None:
    assert parse_share(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "99.5", "%", "-1%", "100.1%", "101%", 0.5, 99, None, True])
def test_what_is_not_from_0_to_100_percent_is_no_percentage(text: object) -> None:
    with pytest.raises(ValueError, match="not a percentage from 0% to 100%; write for example"):
        parse_share(text)


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_every_percentage_is_a_ratio_from_0_to_1(number: object) -> None:
    assert 0.0 <= parse_share(f"{number}%") <= 1.0
