from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from checks.stall import longest_stall, on_one_clock
from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.exchanges import Column
from scenarios.evidence.recording import Recording, RecordingStart
from tests.scenarios.exchange_columns import exchanges_of

USERS = 4


def _rows(times: Iterable[tuple[float, float]]) -> Column:
    """Make the rows of exchanges that were sent and done at these seconds."""
    made = [
        Exchange("g", n, n, "use", sent_s, sent_s, done_s, Outcome.OK, 200)
        for n, (sent_s, done_s) in enumerate(times, start=1)
    ]
    return exchanges_of("g", made).rows


def _steady(until_s: float, user: int, duration_s: float = 0.1) -> list[tuple[float, float]]:
    """One user's requests, one after the other, shifted so that users do not end at once."""
    shift_s = user * duration_s / USERS
    number = int((until_s - shift_s) / duration_s)
    return [(shift_s + n * duration_s, shift_s + (n + 1) * duration_s) for n in range(number)]


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
    stall = longest_stall(_rows(_stalled(2.0, 1.0)), USERS)
    assert stall is not None
    assert 0.95 < stall.duration_s < 1.1
    assert stall.waiting == USERS
    assert 35 <= stall.missed <= 45


def test_a_steady_flow_of_answers_has_no_stall() -> None:
    times = [each for user in range(USERS) for each in _steady(3.0, user)]
    assert longest_stall(_rows(times), USERS) is None


def test_a_pause_shorter_than_half_a_second_is_none() -> None:
    assert longest_stall(_rows(_stalled(2.0, 0.35)), USERS) is None


def test_a_step_that_always_takes_long_is_slow_and_does_not_stand_still() -> None:
    times = [(2.549 * n, 2.549 * (n + 1) + 0.001 * u) for n in range(5) for u in range(USERS)]
    assert longest_stall(_rows(times), USERS) is None


def test_one_straggler_at_the_end_is_no_stall() -> None:
    times = [each for user in range(USERS) for each in _steady(2.0, user)]
    assert longest_stall(_rows([*times, (1.9, 4.0)]), USERS) is None


def test_requests_held_back_one_by_one_are_a_slow_tail() -> None:
    times = [each for user in range(USERS) for each in _steady(2.0, user)]
    held = [(1.9 + 0.3 * user, 4.9 + 0.3 * user) for user in range(USERS)]
    assert longest_stall(_rows([*times, *held]), USERS) is None


def test_no_exchanges_have_no_stall() -> None:
    assert longest_stall(_rows([]), USERS) is None


@given(st.floats(0.6, 5.0), st.floats(1.0, 4.0))
def test_any_stall_of_more_than_half_a_second_is_found_whenever_it_comes(
    lasted_s: float, from_s: float
) -> None:
    stall = longest_stall(_rows(_stalled(from_s, lasted_s)), USERS)
    assert stall is not None
    assert abs(stall.duration_s - lasted_s) < 0.15


def test_a_stall_that_workers_share_concerns_the_users_of_all() -> None:
    """Each of three workers has one user and one clock; a straggler of one of them is no stall."""
    steady = [_steady(4.0, user) for user in range(3)]
    straggler = [*steady[0], (steady[0][-1][1], 6.0)]
    alike = _shared(_one_stalled(0), _one_stalled(1), _one_stalled(2))
    stall = longest_stall(on_one_clock(alike), 3)
    assert stall is not None
    assert (stall.waiting, round(stall.duration_s)) == (3, 1)
    assert longest_stall(on_one_clock(_shared(straggler, *steady[1:])), 3) is None


def _one_stalled(user: int) -> list[tuple[float, float]]:
    before, after = _steady(2.0, user), _steady(2.0, user)
    last_s = before[-1][1]
    over_s = 3.0 + 0.01 * user
    return [*before, (last_s, over_s), *((one + over_s, other + over_s) for one, other in after)]


def _shared(*of_workers: Iterable[tuple[float, float]]) -> list[Recording]:
    """Make a recording of each worker; each began half a second after the one before."""
    return [
        Recording(
            RecordingStart(f"g{number}", "load", 1, None, 1e9 + number / 2),
            exchanges_of(f"g{number}", [
                Exchange(f"g{number}", n, n, "use", sent_s, sent_s, done_s, Outcome.OK, 200)
                for n, (sent_s, done_s) in enumerate(
                    ((one - number / 2, other - number / 2) for one, other in times), start=1
                )
            ]),
            None,
        )
        for number, times in enumerate(of_workers)
    ]  # fmt: skip
