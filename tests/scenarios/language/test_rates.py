from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.rates import RateStage, parse_rate_or_ramp, parse_stage

REMEDY = "is not a stage; write 20/s for 1m, or from 10/s to 100/s over 2m"
NO_RAMP = "is not a ramp; write from 10/s to 100/s over 2m"


def refusal(parse: Callable[[object], object], text: object) -> str:
    """Return the message of the error."""
    with pytest.raises(ValueError) as error:
        parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("20/s for 1m", RateStage(20.0, 20.0, 60.0)),
        ("0.3/s for 500ms", RateStage(0.3, 0.3, 0.5)),
        ("90/m for 1h", RateStage(1.5, 1.5, 3_600.0)),
        ("  20/s   for\t1m  ", RateStage(20.0, 20.0, 60.0)),
        ("from 0/s to 100/s over 30s", RateStage(0.0, 100.0, 30.0)),
        ("from 100/s to 0/s over 2.5m", RateStage(100.0, 0.0, 150.0)),
        ("from 5/s to 5/s over 1s", RateStage(5.0, 5.0, 1.0)),
        ("0/s for 10s", RateStage(0.0, 0.0, 10.0)),
        ("from 0/s to 0/h over 10s", RateStage(0.0, 0.0, 10.0)),
        (" from  60/m  to  7200/h  over  1s ", RateStage(1.0, 2.0, 1.0)),
    ],
)
def test_a_stage_is_read(text: str, stage: RateStage) -> None:
    read = parse_stage(text)
    assert (read.from_per_s, read.to_per_s) == pytest.approx((stage.from_per_s, stage.to_per_s))
    assert read.duration_s == pytest.approx(stage.duration_s)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20/s",
        "20/s over 1m",
        "20/s for 1m for 2m",
        "20/s for",
        "for 1m",
        "from 10/s to 100/s",
        "from 10/s to 100/s for 2m",
        "from 10/s over 2m",
        "from 10/s to 100/s over 2m over 3m",
        "10/s to 100/s over 2m",
        "FROM 10/s TO 100/s OVER 2m",
        20,
        20.5,
        True,
        None,
        ["20/s for 1m"],
        {"20/s": "1m"},
    ],
)
def test_what_has_not_the_form_of_a_stage_is_refused(text: object) -> None:
    assert refusal(parse_stage, text) == f"{text!r} {REMEDY}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20 for 1m", "'20' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("-1/s for 1m", "'-1/s' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("from 10 to 9/s over 1m", "'10' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("from 1/s to 9/d over 1m", "'9/d' is not a rate; write for example 20/s, 90/m or 500/h"),
        (
            "20/s for 60",
            "'60' is not a duration; write a number and a unit: 500ms, 2.5s, 10m",
        ),
        (
            "from 1/s to 2/s over soon",
            "'soon' is not a duration; write a number and a unit: 500ms, 2.5s, 10m",
        ),
        ("20/s for 0s", "'0s' is not a duration above zero"),
        ("from 1/s to 2/s over 0m", "'0m' is not a duration above zero"),
        ("20/s, for 1m", "'20/s,' is not a rate; write for example 20/s, 90/m or 500/h"),
    ],
)
def test_a_wrong_part_of_a_stage_is_named(text: str, message: str) -> None:
    assert refusal(parse_stage, text) == message


@pytest.mark.parametrize(
    ("stage", "arrivals"),
    [
        (RateStage(20.0, 20.0, 60.0), 1_200.0),
        (RateStage(0.0, 100.0, 30.0), 1_500.0),
        (RateStage(100.0, 0.0, 30.0), 1_500.0),
        (RateStage(1.0, 2.0, 0.5), 0.75),
        (RateStage(0.0, 0.0, 60.0), 0.0),
    ],
)
def test_as_many_arrive_in_a_stage_as_at_its_middle_rate(stage: RateStage, arrivals: float) -> None:
    assert stage.arrivals == pytest.approx(arrivals)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("20/s", 20.0),
        (" 90 / m ", 1.5),
        ("0/s", 0.0),
        ("from 0/s to 4/s over 5s", RateStage(0.0, 4.0, 5.0)),
        ("  from 4/s to 0/s over 5s", RateStage(4.0, 0.0, 5.0)),
    ],
)
def test_a_rate_is_a_number_or_a_ramp(text: str, read: float | RateStage) -> None:
    assert parse_rate_or_ramp(text) == read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (20, "20 is not a rate; write for example 20/s, 90/m or 500/h"),
        (None, "None is not a rate; write for example 20/s, 90/m or 500/h"),
        ("", "'' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("20", "'20' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("20/s for 1m", "'20/s for 1m' is not a rate; write for example 20/s, 90/m or 500/h"),
        ("from 0/s to 4/s", f"'from 0/s to 4/s' {NO_RAMP}"),
        ("from 0/s to 4/s for 5s", f"'from 0/s to 4/s for 5s' {NO_RAMP}"),
        ("from 0 to 4/s over 5s", "'0' is not a rate; write for example 20/s, 90/m or 500/h"),
        (
            "from 0/s to 4/s over 5",
            "'5' is not a duration; write a number and a unit: 500ms, 2.5s, 10m",
        ),
    ],
)
def test_what_is_neither_a_rate_nor_a_ramp_is_refused(text: object, message: str) -> None:
    assert refusal(parse_rate_or_ramp, text) == message


def test_the_remedy_for_a_wrong_ramp_can_be_followed() -> None:
    message = refusal(parse_rate_or_ramp, "from 10/s to 100/s")
    assert parse_rate_or_ramp(message.partition("write ")[2]) == RateStage(10.0, 100.0, 120.0)


@given(st.integers(1, 10**6), st.sampled_from(["s", "m", "h"]), st.integers(1, 10**6))
def test_a_constant_stage_is_a_flat_ramp(number: int, unit: str, duration_s: int) -> None:
    rate = f"{number}/{unit}"
    assert parse_stage(f"{rate} for {duration_s}s") == parse_stage(
        f"from {rate} to {rate} over {duration_s}s"
    )
