from pathlib import Path

import pytest

from checks.failure_reasons import (
    FailureGroup,
    failure_groups,
    failure_headline,
    failure_sentence,
)
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import Recorder
from scenarios.evidence.recording_reader import read_recording

_BODY = "state is not as expected"


def _groups(place: Path, *failures: tuple[str, Outcome, str, str], ok: int = 0,
            steps: tuple[str, ...] = ()) -> list[FailureGroup]:  # fmt: skip
    recorder = Recorder(place / "load.jsonl", "load", "load", 1, None, ("open", "use"))
    for _ in range(ok):
        recorder.conclude(recorder.intend(1, 0, 0.0), 0.0, 0.1, Outcome.OK, 200)
    for step, outcome, reason, group in failures:
        number = recorder.intend(1, ("open", "use").index(step), 0.0)
        recorder.conclude(number, 0.0, 0.1, outcome, 503, reason, group=group)
    recorder.close()
    recording = read_recording(place / "load.jsonl")
    assert recording is not None
    return failure_groups([recording], *steps)


def test_a_load_without_a_failure_has_no_reason(tmp_path: Path) -> None:
    groups = _groups(tmp_path, ok=3)
    assert (groups, failure_sentence(groups), failure_headline(groups, 3)) == ([], "", "")


def test_the_most_frequent_reason_is_the_first(tmp_path: Path) -> None:
    busy = ("use", Outcome.REJECTED, "status 503, expected 200", "")
    lost = ("use", Outcome.UNKNOWN, "no response within 10 s", "")
    groups = _groups(tmp_path, lost, busy, busy, ok=7)
    assert failure_headline(groups, 10) == "use: status 503, expected 200 (2 of 10)"
    sentence = failure_sentence(groups)
    assert sentence.startswith("2 rejected: status 503, expected 200 (first at ")
    assert "; 1 unknown: no response within 10 s (first at " in sentence


def test_values_that_differ_at_one_expression_are_one_reason(tmp_path: Path) -> None:
    wrong = [("use", Outcome.REJECTED, f"state is {value}, expected 0", _BODY)
             for value in (1, 2, 2, 3)]  # fmt: skip
    (group,) = _groups(tmp_path, *wrong)
    assert (group.count, group.texts) == (4, 3)
    assert group.reason == "state is not as expected, such as: state is 2, expected 0"


def test_one_value_at_an_expression_is_shown_as_it_is(tmp_path: Path) -> None:
    wrong = ("use", Outcome.REJECTED, "state is 1, expected 0", _BODY)
    (group,) = _groups(tmp_path, wrong, wrong)
    assert group.reason == "state is 1, expected 0"


@pytest.mark.parametrize(("number", "rest"), [(3, ""), (4, "; 1 for 1 other reason"),
                                              (5, "; 2 for 2 other reasons")])  # fmt: skip
def test_three_reasons_are_shown_and_the_others_counted(
    tmp_path: Path, number: int, rest: str
) -> None:
    failures = [("use", Outcome.REJECTED, f"status {500 + each}", "") for each in range(number)]
    sentence = failure_sentence(_groups(tmp_path, *failures))
    assert sentence.count("1 rejected: ") == 3
    assert sentence.partition(" UTC)" + rest)[2] == "" if rest else sentence.endswith("UTC)")
    assert sentence.endswith(rest)


def test_the_reasons_of_one_step_are_its_own(tmp_path: Path) -> None:
    first = ("open", Outcome.NOT_SENT, "could not connect", "")
    second = ("use", Outcome.REJECTED, "status 503", "")
    (group,) = _groups(tmp_path, first, second, steps=("use",))
    assert (group.step, group.reason) == ("use", "status 503")


def test_a_long_reason_is_cut(tmp_path: Path) -> None:
    (group,) = _groups(tmp_path, ("use", Outcome.UNKNOWN, "x" * 5_000, ""))
    assert len(group.reason) <= 80
