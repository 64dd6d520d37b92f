import httpx
import pytest

from witnesses.clock_skew import clock_skew_s

_NOON = 1_000_080_000.0
_DATE = "Mon, 10 Sep 2001 00:00:00 GMT"


@pytest.mark.parametrize(("midway_at", "skew_s"), [(_NOON + 0.5, 0.0), (_NOON - 60, 60.5)])
def test_the_skew_is_the_date_of_the_response_against_our_clock(
    midway_at: float, skew_s: float
) -> None:
    assert clock_skew_s(httpx.Response(200, headers={"Date": _DATE}), midway_at) == skew_s


@pytest.mark.parametrize("headers", [{}, {"Date": "noon"}])
def test_without_a_date_the_skew_is_not_known(headers: dict[str, str]) -> None:
    assert clock_skew_s(httpx.Response(200, headers=headers), _NOON) is None
