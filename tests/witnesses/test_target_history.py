import pytest

from witnesses.target_history import UNKNOWN, TargetHistory

_POD = ("shop", "pod-1")


@pytest.mark.parametrize(
    ("start_time", "skew_s", "seen", "is_new"),
    [
        (1_010.0, 0.0, [1_010.3], True),
        (1_000.9, 0.0, [1_000.9], False),
        (900.0, 0.0, [900.0], False),
        (1_010.0, 0.0, [1_010.0, 1_020.0], False),
        (1_010.0, 0.0, [1_005.0], False),
        (1_010.0, 0.0, [], False),
        (1_010.0, 20.0, [1_010.0], False),
        (990.0, -20.0, [990.0], True),
    ],
)
def test_a_target_began_since_where_its_only_process_started_after_the_first_request(
    start_time: float, skew_s: float, seen: list[float], is_new: bool
) -> None:
    history = TargetHistory(1_000.0, {_POD: seen})
    assert history.began_since(_POD, start_time, skew_s) is is_new


def test_of_an_unknown_history_nothing_began_and_no_target_is_known() -> None:
    assert not UNKNOWN.is_known
    assert not UNKNOWN.began_since(_POD, 1_010.0, 0.0)
    assert UNKNOWN.instances_of("shop") == set()


def test_the_instances_are_those_of_the_job() -> None:
    history = TargetHistory(0.0, {_POD: [], ("shop", "pod-2"): [5.0], ("till", "pod-3"): []})
    assert history.instances_of("shop") == {"pod-1", "pod-2"}
