"""The pushes of instances, from what a backend showed of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from witnesses.prometheus.pushes import (
    Observation,
    PushEvidence,
    all_settled,
    instance_of_series,
    latest_pushes,
    measured_every_s,
    pushes_of,
    read_observations,
)


def _seen(*latest: tuple[float, Mapping[str, float]], begin: float = 100.0) -> list[Observation]:
    return [Observation(at, at <= begin, each) for at, each in latest]


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"instance": "a:80", "service_instance_id": "7f"}, "a:80"),
        ({"instance": "", "service_instance_id": "7f"}, "7f"),
        ({"service_instance_id": "7f"}, "7f"),
        ({"host": "a"}, ""),
    ],
)
def test_the_first_label_of_an_instance_names_it(labels: Mapping[str, str], name: str) -> None:
    assert instance_of_series(labels) == name


def test_the_time_of_the_run_is_no_interval() -> None:
    seen = _seen((80, {"a": 79}), (90, {"a": 89}), (500, {"a": 499}), (510, {"a": 509}))
    assert measured_every_s(seen) == 10.0


def test_an_instance_that_begins_beside_one_that_goes_on_replaces_nothing() -> None:
    seen = _seen((95, {"a": 94}), (105, {"a": 104, "b": 105}), (155, {"a": 154, "b": 155}))
    pushes = pushes_of(seen, 100.0, 10.0)
    assert [each.is_replaced for each in pushes.values()] == [False, False]


def test_an_instance_that_stops_is_replaced_only_if_another_one_begins() -> None:
    alone = _seen((95, {"a": 94}), (155, {"a": 94}))
    assert not pushes_of(alone, 100.0, 10.0)["a"].is_replaced
    followed = [*alone, Observation(156.0, is_before=False, latest={"a": 94, "b": 155})]
    assert pushes_of(followed, 100.0, 10.0)["a"].is_replaced


def test_instances_that_ended_are_not_waited_for_but_some_must_go_on() -> None:
    ended = pushes_of(_seen((95, {"a": 40})), 100.0, 10.0)
    assert ended["a"].has_ended
    assert not all_settled(ended.values(), 110.0)


def test_a_response_is_kept_if_it_shows_a_new_push_and_read_again() -> None:
    evidence = PushEvidence()
    for at, is_before in ((90.0, True), (91.0, True), (101.0, False), (102.0, False)):
        content = b'{"data": {"result": [{"metric": {"instance": "a"}, "value": [1, "89"]}]}}'
        evidence.add(at, content, is_before=is_before)
    assert [each.at for each in evidence.observations] == [90.0, 101.0]
    kept = {"responses": evidence.responses}
    assert read_observations(kept) == evidence.observations


@pytest.mark.parametrize(
    "body", [None, {}, {"data": []}, {"data": {"result": [{"metric": 1}]}},
             {"data": {"result": [{"metric": {}, "value": [1, "x"]}]}}],
)  # fmt: skip
def test_a_response_of_another_kind_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        latest_pushes(body)


@pytest.mark.parametrize("document", [None, [], {}, {"responses": [{}]}, {"responses": 5}])
def test_evidence_of_another_kind_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="responses"):
        read_observations(document)
