"""Limits on the response times of recent iterations, at given seconds."""

from hypothesis import given
from hypothesis import strategies as st

from checks.latency import percentile
from scenarios.driver.slow_iterations import SlowIterations
from scenarios.evidence.recording import StopReason
from scenarios.language.profiles import AbortOn


def slow_after(limits: dict[str, str], *durations_s: float, now_s: float = 40.0) -> str:
    """End iterations at second 20; return why the load aborts itself, or ""."""
    watched = SlowIterations(AbortOn.model_validate(limits))
    for duration_s in durations_s:
        watched.add(duration_s, 20.0, is_ok=True)
    stop = watched.find_abort(now_s, 0.0)
    assert stop is None or stop.reason is StopReason.TOO_SLOW
    return stop.message if stop else ""


def test_each_limit_is_looked_at_and_the_first_exceeded_one_is_named() -> None:
    durations_s = [0.1] * 19 + [6.0]
    assert slow_after({"p95": "1s", "max": "7s"}, *durations_s) == ""
    assert slow_after({"p95": "1s", "max": "5s"}, *durations_s) == (
        "aborted: max over 5 s: 1 of 20 iterations in the last 30 s took longer, at most 0 may"
    )


def test_the_window_slides_and_has_to_be_full() -> None:
    limits, durations_s = {"p50": "1s", "over": "10s"}, [2.0] * 20
    assert slow_after(limits, *durations_s, now_s=30.5)
    assert slow_after(limits, *durations_s, now_s=31.5) == ""
    assert slow_after({"p50": "1s", "over": "50s"}, *durations_s) == ""


@given(
    st.lists(st.integers(0, 20), min_size=10, max_size=200),
    st.sampled_from([50.0, 90.0, 95.0, 99.9, 100.0]),
    st.integers(1, 20),
)
def test_a_load_aborts_exactly_where_the_percentile_is_over_the_limit(
    durations_s: list[int], percent: float, limit_s: int
) -> None:
    key = "max" if percent == 100.0 else f"p{percent:g}"
    is_over = percentile(sorted(map(float, durations_s)), percent) > limit_s
    assert bool(slow_after({key: f"{limit_s}s"}, *durations_s)) is is_over
