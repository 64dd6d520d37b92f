from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from checks.stall import longest_stall
from scenarios.exchange import Exchange, Outcome
from scenarios.exchanges import Exchanges
from tests.scenarios.columns import exchanges_of

USERS = 4


def _exchanges(times: Iterable[tuple[float, float]]) -> Exchanges:
    """Make exchanges that were sent and done at these seconds."""
    made = [
        Exchange("g", n, n, "use", sent_s, sent_s, done_s, Outcome.OK, 200)
        for n, (sent_s, done_s) in enumerate(times, start=1)
    ]
    return exchanges_of("g", made)


def _steady(until_s: float, user: int, took_s: float = 0.1) -> list[tuple[float, float]]:
    """One user's requests, one after the other, shifted so that users do not end at once."""
    shift_s = user * took_s / USERS
    number = int((until_s - shift_s) / took_s)
    return [(shift_s + n * took_s, shift_s + (n + 1) * took_s) for n in range(number)]


def _stalled(from_s: float, lasted_s: float) -> list[tuple[float, float]]:
    """All users' requests; those in flight at `from_s` are answered when the stall is over."""
    times: list[tuple[float, float]] = []
    for user in range(USERS):
        before = [(sent_s, done_s) for sent_s, done_s in _steady(from_s, user) if done_s < from_s]
        over_s = from_s + lasted_s
        after = [(sent_s + over_s, done_s + over_s) for sent_s, done_s in _steady(2.0, user)]
        times += [*before, (before[-1][1], over_s + 0.01 * user), *after]
    return times


def test_requests_that_all_wait_and_go_on_at_once_are_a_stall_with_what_it_hid() -> None:
    stall = longest_stall(_exchanges(_stalled(2.0, 1.0)), USERS)
    assert stall is not None
    assert 0.95 < stall.lasted_s < 1.1
    assert stall.waiting == USERS
    assert 35 <= stall.missed <= 45


def test_a_steady_flow_of_answers_has_no_stall() -> None:
    times = [each for user in range(USERS) for each in _steady(3.0, user)]
    assert longest_stall(_exchanges(times), USERS) is None


def test_a_pause_shorter_than_half_a_second_is_none() -> None:
    assert longest_stall(_exchanges(_stalled(2.0, 0.35)), USERS) is None


def test_a_step_that_always_takes_long_is_slow_and_does_not_stand_still() -> None:
    times = [(2.549 * n, 2.549 * (n + 1) + 0.001 * u) for n in range(5) for u in range(USERS)]
    assert longest_stall(_exchanges(times), USERS) is None


def test_one_straggler_at_the_end_is_no_stall() -> None:
    times = [each for user in range(USERS) for each in _steady(2.0, user)]
    assert longest_stall(_exchanges([*times, (1.9, 4.0)]), USERS) is None


def test_requests_held_back_one_by_one_are_a_slow_tail() -> None:
    times = [each for user in range(USERS) for each in _steady(2.0, user)]
    held = [(1.9 + 0.3 * user, 4.9 + 0.3 * user) for user in range(USERS)]
    assert longest_stall(_exchanges([*times, *held]), USERS) is None


def test_no_exchanges_have_no_stall() -> None:
    assert longest_stall(_exchanges([]), USERS) is None


@given(st.floats(0.6, 5.0), st.floats(1.0, 4.0))
def test_any_stall_of_more_than_half_a_second_is_found_whenever_it_comes(
    lasted_s: float, from_s: float
) -> None:
    stall = longest_stall(_exchanges(_stalled(from_s, lasted_s)), USERS)
    assert stall is not None
    assert abs(stall.lasted_s - lasted_s) < 0.15
