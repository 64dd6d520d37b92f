import threading

import pytest

from benchmarks.services import ServiceMeasurement, measure

# Long enough for two threads to start on a machine that is busy.
_LONG_S = 2.0


@pytest.mark.parametrize(
    ("durations_s", "p95_s"),
    [
        ([1.0], 1.0),
        ([float(number) for number in range(100, 0, -1)], 95.0),
        ([float(number) for number in range(1, 21)], 19.0),
        ([float(number) for number in range(1, 22)], 20.0),
    ],
)
def test_p95_is_the_nearest_rank(durations_s: list[float], p95_s: float) -> None:
    assert ServiceMeasurement(1.0, durations_s).p95_s == p95_s


@pytest.mark.core
@pytest.mark.long
def test_every_action_runs_in_a_thread_of_its_own_and_each_call_is_measured() -> None:
    threads: list[set[int]] = [set(), set()]
    calls = [0, 0]
    both_run = threading.Barrier(2)

    def action_of(number: int) -> None:
        if not calls[number]:
            both_run.wait(60)
        calls[number] += 1
        threads[number].add(threading.get_ident())

    measured = measure([lambda: action_of(0), lambda: action_of(1)], _LONG_S)
    assert len(measured.durations_s) == sum(calls)
    assert measured.rate_per_s == sum(calls) / _LONG_S
    assert [len(each) for each in threads] == [1, 1]
    assert threads[0] != threads[1]
