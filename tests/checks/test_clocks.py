from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import read_case
from checks.clocks import judge_clock_skew, judge_clocks
from checks.result import Finding
from checks.suite import judge
from checks.verdict import Verdict
from config.clock import ClockStep
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import Load, write_agreeing_witnesses, write_prometheus, write_run
from witnesses.prometheus.collection import CollectionRecord

_SET_BACK = ClockStep(1_795_758_603.0, -5.0)
_SET_FORWARD = ClockStep(1_795_758_613.0, 3_600.0)


def _write(place: Path, *steps: ClockStep, collection: CollectionRecord | None = None) -> RunFolder:
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    if collection:
        write_prometheus(folder, {}, collection=collection)
    folder.write_run(replace(folder.read_run(), clock_steps=steps))
    return folder


def _judged(folder: RunFolder) -> dict[str, Finding]:
    return {each.id: each for each in judge_clocks(read_case(folder))}


def test_a_wall_clock_that_nobody_sets_has_no_finding(tmp_path: Path) -> None:
    assert "clock/harness" not in _judged(_write(tmp_path))


def test_a_wall_clock_that_was_set_once_is_reported_and_does_no_harm(tmp_path: Path) -> None:
    folder = _write(tmp_path, _SET_BACK)
    finding = _judged(folder)["clock/harness"]
    assert finding.verdict is Verdict.PASS
    assert finding.observed == (
        "this machine's was set back by 5.0 s at 05:50:03 UTC: "
        "times are taken from the monotonic clock"
    )
    assert judge(folder).verdict is Verdict.PASS


def test_one_set_forward_and_back_may_have_set_prometheus_unseen(tmp_path: Path) -> None:
    folder = _write(tmp_path, _SET_BACK, replace(_SET_BACK, step_s=5.0))
    assert _judged(folder)["clock/harness"].verdict is Verdict.INCONCLUSIVE
    assert judge(folder).verdict is Verdict.INCONCLUSIVE


def test_without_a_prometheus_no_number_of_steps_does_harm(tmp_path: Path) -> None:
    absent = CollectionRecord(error="none", is_declared_absent=True)
    folder = _write(tmp_path, _SET_BACK, _SET_FORWARD, collection=absent)
    assert _judged(folder)["clock/harness"].verdict is Verdict.PASS


def _note(folder: RunFolder, step: ClockStep) -> None:
    """Add a step to the notes of the generator."""
    path = folder.exchanges / "load.jsonl"
    note = f'{{"kind": "clock", "at": {step.at}, "step_s": {step.step_s}}}\n'
    path.write_text(path.read_text() + note)


def test_the_machine_of_a_generator_is_named(tmp_path: Path) -> None:
    folder = _write(tmp_path)
    _note(folder, _SET_FORWARD)
    finding = _judged(folder)["clock/harness"]
    assert finding.observed.startswith("load's was set forward by 3,600.0 s at 05:50:13 UTC")


def test_one_step_that_two_processes_noticed_is_one_step(tmp_path: Path) -> None:
    folder = _write(tmp_path, _SET_BACK)
    _note(folder, replace(_SET_BACK, at=_SET_BACK.at - 0.4, step_s=-5.01))
    assert "load's" not in _judged(folder)["clock/harness"].observed


def test_a_clock_of_prometheus_that_was_set_is_the_reason_of_its_quantities_and_of_the_run(
    tmp_path: Path,
) -> None:
    error = "the clock of Prometheus was set back by 5.0 s during the run"
    folder = _write(tmp_path, collection=CollectionRecord(error=error, is_clock_set=True))
    finding = _judged(folder)["clock/prometheus"]
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, error)
    result = judge(folder)
    usage = [each for each in result.findings if each.id.startswith("usage/")]
    assert {each.verdict for each in usage} == {Verdict.INCONCLUSIVE}
    assert all("the clock of Prometheus was set" in f"{each.observed} {each.detail}"
               for each in usage)  # fmt: skip


@pytest.mark.parametrize("skew_s", [1.01, -1.01, 3600.0, -3600.0])
def test_a_clock_apart_from_ours_is_inconclusive(skew_s: float) -> None:
    assert judge_clock_skew(skew_s).verdict is Verdict.INCONCLUSIVE
    assert judge_clock_skew(skew_s / 4000).verdict is Verdict.PASS


@pytest.mark.parametrize("skew_s", [1.0, -1.0])
def test_a_clock_that_is_apart_by_all_that_is_allowed_passes(skew_s: float) -> None:
    assert judge_clock_skew(skew_s).verdict is Verdict.PASS


def test_a_clock_of_prometheus_that_agrees_is_never_a_negative_zero_off() -> None:
    assert judge_clock_skew(-0.0001).observed == "+0.000 s"
