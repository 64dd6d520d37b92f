import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.precision import print_apart
from scenarios.language.amounts import decimal_of

_FLOATS = st.floats(0, 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "limit", "printed"),
    [
        (99.9, 99.9, "99.90"),
        (99.899, 99.9, "99.899"),
        (99.89999, 99.9, "99.89999"),
        (99.901, 99.9, "99.901"),
        (100.0, 99.9, "100.00"),
    ],
)
def test_a_value_gets_the_digits_that_its_limit_asks_for(
    value: float, limit: float, printed: str
) -> None:
    assert print_apart(value, 2, limit) == printed


@given(_FLOATS, _FLOATS)
def test_a_printed_value_stands_on_its_own_side_of_the_limit(value: float, limit: float) -> None:
    printed = decimal_of(float(print_apart(value, 2, limit).replace(",", "")))
    assert printed.compare(decimal_of(limit)) == decimal_of(value).compare(decimal_of(limit))
