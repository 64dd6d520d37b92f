from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.amounts import (
    FINE,
    MAX_SCALED,
    WHOLE,
    AmountError,
    decimal_of,
    in_units,
    resolution_of,
    scaled,
    text_of,
)
from scenarios.language.model import Scenario

CENT = Fraction(1, 100)


def scenario(counts: object, **settings: object) -> Scenario:
    return Scenario.model_validate(
        {
            "scenario": "billing",
            "quantities": {"tokens": {"prometheus": "tokens_total", **settings}},
            "flow": [{"step": "ask", "request": "GET shop /", "counts": {"tokens": counts}}],
            "profiles": {"one": {"users": 1}},
        }
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (12.345, "is 12.345, which is no multiple of the quantity's resolution 0.01; "
                 "set resolution: 0.001"),
        (-1, "is -1, and a counter cannot decrease"),
        (-0.5, "is -0.5, and a counter cannot decrease"),
        (True, "is True, which is no number"),
        (None, "is None, which is no number"),
        ([1], "is [1], which is no number"),
        ("many", "is 'many', which is no number"),
        (float("nan"), "is nan, which is no number"),
        (float("inf"), "is inf, which is no number"),
        (1e300, "is 1e+300, which is out of range"),
        (10**30, f"is {10**30}, which is too large at the quantity's resolution 0.01; "
                 "set a coarser resolution"),
        ("1" + "0" * 30, f"is '{10**30}', which is too large at the quantity's resolution 0.01; "
                         "set a coarser resolution"),
        ("1_000", "is '1_000', which is no number"),
        ("\u0661\u0662", "is '\u0661\u0662', which is no number"),
        ("Infinity", "is 'Infinity', which is no number"),
        ("sNaN", "is 'sNaN', which is no number"),
        ("1e-400", "is '1e-400', which is out of range"),
        ("1e" + "9" * 90, f"is '1e{'9' * 57}…, which is no number"),
        # its ratio would be one of millions of digits
        ("1." + "0" * 9_000_000, f"is '1.{'0' * 57}…, which has over 100 characters"),
        ("9" * 9_000_000, f"is '{'9' * 59}…, which has over 100 characters"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_the_remedy(value: object, message: str) -> None:
    with pytest.raises(AmountError) as refused:
        scaled(value, CENT)
    assert str(refused.value) == message


@pytest.mark.parametrize("value", [0.1, "0.1", "0.10", Decimal("0.1"), 1, 0, "7", 1e3])
def test_an_amount_comes_back_as_it_was_written(value: float | str) -> None:
    assert in_units(scaled(value, CENT), CENT) == Fraction(str(value))


def test_sums_of_scaled_amounts_are_exact_where_floats_are_not() -> None:
    amounts = [0.1, 0.2, 0.3] * 1000
    assert sum(amounts) != 600.0
    assert in_units(sum(scaled(each, FINE) for each in amounts), FINE) == 600


def test_the_largest_amount_is_that_of_the_evidence() -> None:
    assert scaled(MAX_SCALED, WHOLE) == 2**63 - 1
    with pytest.raises(AmountError):
        scaled(MAX_SCALED + 1, WHOLE)


@given(st.decimals(0, 10**9, places=6))
def test_any_decimal_survives_the_way_through_the_resolution(amount: Decimal) -> None:
    units = scaled(str(amount), FINE)
    assert decimal_of(in_units(units, FINE)) == amount
    assert Decimal(text_of(in_units(units, FINE))) == amount


def test_the_resolution_follows_from_the_amounts_unless_it_is_set() -> None:
    assert resolution_of(scenario(1), "tokens") == 1
    assert resolution_of(scenario(1.5), "tokens") == FINE
    assert resolution_of(scenario(1.5, resolution=0.25), "tokens") == Fraction(1, 4)
