from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.units import parse_duration, parse_pause, parse_rate, parse_share

NO_DURATION = "is not a duration; write a number and a unit: 500ms, 2.5s, 10m"


def refusal(parse: Callable[[object], object], text: object) -> str:
    """Return the error message for a text that is refused."""
    with pytest.raises(ValueError) as error:
        parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1ms", 0.001),
        ("500ms", 0.5),
        ("2.5s", 2.5),
        (" 3s ", 3.0),
        ("2m", 120.0),
        ("1.5h", 5400.0),
        ("2d", 172_800.0),
    ],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "s",
        "-1s",
        "1e3s",
        ".5s",
        "inf s",
        5,
        2.5,
        True,
        None,
        ["1s"],
    ],
)
def test_a_duration_needs_a_number_and_a_unit(text: object) -> None:
    assert refusal(parse_duration, text) == f"{text!r} {NO_DURATION}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5 sec", "5s"),
        ("1 s", "1s"),
        ("5min", "300s"),
        ("1m30s", "90s"),
        ("1 hour, 5 minutes", "3900s"),
        ("< 2s", "2s"),
    ],
)
def test_a_duration_in_another_spelling_is_refused_with_what_is_meant(
    text: str, meant: str
) -> None:
    assert refusal(parse_duration, text) == f"{text!r} {NO_DURATION}; did you mean {meant}?"


@pytest.mark.parametrize("text", ["20rps", "20 /sec", "20 per second", "20 qps"])
def test_a_rate_in_another_spelling_is_refused_with_what_is_meant(text: str) -> None:
    assert refusal(parse_rate, text).endswith("; did you mean 20/s?")


@pytest.mark.parametrize(("value", "meant"), [(0.5, "50%"), (0.99, "99%"), ("0.995", "99.5%")])
def test_a_ratio_is_refused_with_its_percentage(value: object, meant: str) -> None:
    assert refusal(parse_share, value).endswith(f"write for example 99.5%; did you mean {meant}?")


@pytest.mark.parametrize("text", ["1s-3s", "1s - 3s", " 1s..3s ", "1s–3s"])
def test_a_pause_with_a_hyphen_is_refused_with_what_is_meant(text: str) -> None:
    assert refusal(parse_pause, text) == f"{text!r} is not a pause; write 1s to 3s"


@pytest.mark.parametrize("text", ["0s", "0ms", "0.0h"])
def test_a_duration_of_zero_is_refused(text: str) -> None:
    assert refusal(parse_duration, text) == f"{text!r} is not a duration above zero"


@given(st.integers(min_value=1, max_value=24_000))
def test_a_thousand_milliseconds_are_a_second(number: int) -> None:
    assert parse_duration(f"{number * 1000}ms") == pytest.approx(parse_duration(f"{number}s"))
    assert parse_duration(f"{number * 60}s") == pytest.approx(parse_duration(f"{number}m"))
    assert parse_duration(f"{number * 60}m") == pytest.approx(parse_duration(f"{number}h"))


@pytest.mark.parametrize(
    ("text", "ratio"), [("0%", 0.0), ("99.5%", 0.995), ("100%", 1.0), (" 7 % ", 0.07)]
)
def test_a_percentage_is_a_ratio(text: str, ratio: float) -> None:
    assert parse_share(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["", "99.5", "%", "-1%", "100.1%", "101%", 99, None, True])
def test_a_percentage_outside_0_to_100_is_refused(text: object) -> None:
    assert refusal(parse_share, text) == (
        f"{text!r} is not a percentage from 0% to 100%; write for example 99.5%"
    )


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_every_percentage_is_a_ratio_from_0_to_1(number: object) -> None:
    assert 0.0 <= parse_share(f"{number}%") <= 1.0


@pytest.mark.parametrize(
    ("text", "per_s"),
    [
        ("20/s", 20.0),
        ("90/m", 1.5),
        ("1800/h", 0.5),
        ("0.3/s", 0.3),
        (" 0.5 / s ", 0.5),
        ("007/s", 7.0),
        ("0/s", 0.0),
    ],
)
def test_a_rate_is_a_number_per_second(text: str, per_s: float) -> None:
    assert parse_rate(text) == pytest.approx(per_s)


@pytest.mark.parametrize(
    "text",
    ["", "20", "/s", "20/", "20/d", "20/ms", "20/S", "-1/s", "+1/s", "1e3/s", ".5/s", "5./s",
     "1,5/s", "20 per s", "20/s/s", "20/s for 1m", 20, 2.5, True, None, ["20/s"]],
)  # fmt: skip
def test_a_rate_needs_a_number_and_a_unit_of_time(text: object) -> None:
    assert refusal(parse_rate, text) == (
        f"{text!r} is not a rate; write for example 20/s, 90/m or 500/h"
    )


@given(st.integers(min_value=1, max_value=10**6))
def test_a_rate_is_the_same_in_every_unit(number: int) -> None:
    assert parse_rate(f"{number * 60}/m") == pytest.approx(parse_rate(f"{number}/s"))
    assert parse_rate(f"{number * 60}/h") == pytest.approx(parse_rate(f"{number}/m"))


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("1s", (1.0, 1.0)),
        (" 1.5s ", (1.5, 1.5)),
        ("500ms to 3s", (0.5, 3.0)),
        (" 1s  to  1m ", (1.0, 60.0)),
        ("2s to 2s", (2.0, 2.0)),
        ("2s to 2000ms", (2.0, 2.0)),
    ],
)
def test_a_pause_has_one_length_or_a_range(text: str, pause: tuple[float, float]) -> None:
    assert parse_pause(text) == pytest.approx(pause)


@pytest.mark.parametrize("text", ["3s to 1s", "1s to 999ms", "1h to 59m"])
def test_a_pause_whose_range_is_reversed_is_refused(text: str) -> None:
    assert refusal(parse_pause, text) == (
        f"{text!r} is not a pause; write the shorter time first, as in 1s to 3s"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ""),
        ("5", "5"),
        ("1 to 3s", "1"),
        ("1s to", "1s to"),
        ("to 3s", "to 3s"),
        ("1s to x", "x"),
        ("1s to 3s to 5s", "3s to 5s"),
        ("1s TO 3s", "1s TO 3s"),
        ("-1s to 3s", "-1s"),
    ],
)
def test_the_part_of_a_pause_that_is_not_a_duration_is_named(text: str, named: str) -> None:
    assert refusal(parse_pause, text) == f"{named!r} {NO_DURATION}"


@pytest.mark.parametrize(("text", "named"), [("0s", "0s"), ("0s to 3s", "0s"), ("1s to 0s", "0s")])
def test_a_pause_of_zero_is_refused(text: str, named: str) -> None:
    assert refusal(parse_pause, text) == f"{named!r} is not a duration above zero"


@pytest.mark.parametrize("value", [5, 2.5, True, None, ["1s"]])
def test_a_pause_that_is_not_text_is_refused(value: object) -> None:
    assert refusal(parse_pause, value).startswith(f"{value!r} is not a ")


def test_a_pause_without_its_end_is_refused() -> None:
    refusal(parse_pause, "1s to ")


@pytest.mark.parametrize(("parse", "unit"), [(parse_duration, "s"), (parse_rate, "/s")])
def test_a_number_too_large_for_a_float_is_refused(
    parse: Callable[[object], object], unit: str
) -> None:
    refusal(parse, "9" * 400 + unit)
