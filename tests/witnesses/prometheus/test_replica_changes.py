from collections.abc import Mapping, Sequence

import pytest

from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.replica_changes import ReplicaChanges, departed_targets
from witnesses.prometheus.samples import Sample, ScrapeLog, Target

_RECORD = CollectionRecord(
    False, 100.0, 160.0, 200.0, 0.0, 5.0, jobs={"shop": "pods", "till": "till"}, discovered=["shop"]
)
_WHOLE = [(float(at), 1.0) for at in range(90, 200, 5)]


def _logs(ups: Mapping[str, Sequence[Sample]], job: str = "pods") -> dict[Target, ScrapeLog]:
    return {(job, instance): ScrapeLog(each) for instance, each in ups.items()}


def _of(other: Sequence[Sample], job: str = "pods") -> ReplicaChanges:
    return ReplicaChanges(_RECORD, _logs({"a": _WHOLE, "b": other}, job))


@pytest.mark.parametrize(
    ("other", "came", "gone", "is_changed"),
    [
        (_WHOLE, False, False, False),
        ([each for each in _WHOLE if each[0] > 120], True, False, True),
        ([each for each in _WHOLE if each[0] < 120], False, True, True),
        ([(at, 1.0 if at < 120 else 0.0) for at, _ in _WHOLE], False, True, True),
        ([each for each in _WHOLE if 110 < each[0] < 120], True, True, True),
        ([each for each in _WHOLE if each[0] < 181], False, False, True),
        ([each for each in _WHOLE if each[0] < 190], False, False, False),
    ],
    ids=["stayed", "came", "went", "is down", "came and went", "left after the run", "is late"],
)
def test_the_history_of_up_shows_which_replicas_came_and_went(
    other: Sequence[Sample], came: bool, gone: bool, is_changed: bool
) -> None:
    changes = _of(other)
    assert (("pods", "b") in changes.came, ("pods", "b") in changes.gone) == (came, gone)
    assert changes.changed_jobs == (frozenset({"pods"}) if is_changed else frozenset())


def test_replicas_that_are_named_never_change() -> None:
    changes = _of([each for each in _WHOLE if each[0] < 120], job="till")
    assert (changes.came, changes.gone, changes.changed_jobs) == (frozenset(),) * 3


def test_of_a_fresh_stack_no_replica_came() -> None:
    logs = {("pods", "a"): ScrapeLog([(105.0, 1.0), (195.0, 1.0)], fresh=True)}
    assert ReplicaChanges(_RECORD, logs).came == frozenset()


@pytest.mark.parametrize(("last_at", "is_departed"), [(92.0, True), (93.0, False), (100.0, False)])
def test_a_target_departed_before_the_run_if_a_scrape_is_surely_missing(
    last_at: float, is_departed: bool
) -> None:
    logs = _logs({"b": [(80.0, 1.0), (last_at, 1.0)]})
    assert list(departed_targets(_RECORD, logs)) == ([("pods", "b")] if is_departed else [])
