from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from checks.case import Case, read_case
from checks.result import Finding
from checks.validity import bottleneck, generator_figures, judge_validity
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.generator_health import HEALTH_ROW
from scenarios.evidence.recording import Recorder, RecordingEnd, StopReason
from scenarios.evidence.run_folder import Interruption
from tests.evidence_factory import (
    COUNTED_FLOW,
    GOOD,
    RUN_ID,
    SCENARIO,
    STOPPED,
    Load,
    Made,
    case_of,
    write_agreeing_witnesses,
    write_prometheus,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord

_ENDED = RecordingEnd(4, 0, 0.1, 1.0, 0.01)


def _judged(
    place: Path, *loads: Load, interruption: Interruption | None = None, finished: bool = True
) -> dict[str, Finding]:
    case = case_of(place, *loads, interruption=interruption, finished=finished)
    return {each.id: each for each in judge_validity(case).findings}


def test_a_run_that_balances_and_kept_up_passes(tmp_path: Path) -> None:
    findings = _judged(tmp_path, Load())
    assert {name: each.verdict for name, each in findings.items()} == {
        "validity/iterations-add-up/load": Verdict.PASS,
        "validity/generator-not-saturated": Verdict.PASS,
        "validity/no-coordinated-omission": Verdict.PASS,
    }
    assert findings["validity/iterations-add-up/load"].observed == "4 scheduled, 4 begun, 0 dropped"


@pytest.mark.parametrize(
    ("load", "error"),
    [
        (Load(end=None), "did not end by itself"),
        (Load((GOOD,) * 3), "1 iterations are not in the recording"),
        (Load((GOOD,) * 3, end=RecordingEnd(3, 1, 0.1, 1.0)), "could not be started in time"),
        (Load((GOOD,) * 3, end=RecordingEnd(3, 0, 0.1, 1.0)), "does not account for all"),
        (Load(error="ended with code 9"), "ended with code 9"),
    ],
    ids=["killed", "lost", "dropped", "unaccounted", "error"],
)
def test_a_run_that_does_not_balance_is_inconclusive_with_the_reason(
    tmp_path: Path, load: Load, error: str
) -> None:
    finding = _judged(tmp_path, load)["validity/iterations-add-up/load"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert error in finding.observed


def test_a_request_without_its_outcome_does_not_balance(tmp_path: Path) -> None:
    lost = (Made("open"), Made("use", concluded=False))
    finding = _judged(tmp_path, Load((GOOD, GOOD, GOOD, lost)))["validity/iterations-add-up/load"]
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_generator_that_left_nothing_is_inconclusive(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    for path in folder.exchanges.iterdir():
        path.unlink()
    finding = judge_validity(read_case(folder)).findings[0]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "left no recording" in finding.observed


def test_requests_without_the_notes_that_explain_them_are_missing(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    (folder.exchanges / "load.jsonl").unlink()
    finding = judge_validity(read_case(folder)).findings[0]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "missing" in finding.observed


@pytest.mark.parametrize(("interruption", "finished"), [(STOPPED, True), (None, False)])
def test_a_run_that_was_cut_off_is_inconclusive(
    tmp_path: Path, interruption: Interruption | None, finished: bool
) -> None:
    findings = _judged(tmp_path, Load(), interruption=interruption, finished=finished)
    assert findings["validity/run-complete"].verdict is Verdict.INCONCLUSIVE


def test_a_run_that_was_stopped_adds_up_with_what_it_left(tmp_path: Path) -> None:
    end = RecordingEnd(
        3, 0, 0.1, 1.0, stop_reason=StopReason.INTERRUPTED, stopped="any words", not_started=1
    )
    load = Load((GOOD,) * 3, end=end)
    finding = _judged(tmp_path, load, interruption=STOPPED)["validity/iterations-add-up/load"]
    assert finding.observed == "4 scheduled, 3 begun, 0 dropped, 1 not started"
    assert finding.verdict is Verdict.PASS


def test_a_load_that_ended_with_its_data_rows_adds_up_and_says_so(tmp_path: Path) -> None:
    end = RecordingEnd(
        3, 0, 0.1, 1.0, stop_reason=StopReason.DATA_USED_UP, stopped="every row of ids has been "
        "used: 3, each once", not_started=1,
    )  # fmt: skip
    finding = _judged(tmp_path, Load((GOOD,) * 3, end=end))["validity/iterations-add-up/load"]
    assert finding.observed == (
        "4 scheduled, 3 begun, 0 dropped, 1 not started; "
        "every row of ids has been used: 3, each once"
    )
    assert finding.verdict is Verdict.PASS


def test_a_worker_that_was_stopped_by_itself_makes_the_run_inconclusive(tmp_path: Path) -> None:
    end = RecordingEnd(
        3, 0, 0.1, 1.0, stop_reason=StopReason.INTERRUPTED, stopped="any words", not_started=1
    )
    findings = _judged(tmp_path, Load((GOOD,) * 3, end=end))
    assert findings["validity/iterations-add-up/load"].verdict is Verdict.INCONCLUSIVE
    assert "any words" in findings["validity/iterations-add-up/load"].observed


def test_a_run_without_a_request_is_inconclusive(tmp_path: Path) -> None:
    findings = _judged(tmp_path)
    assert {each.verdict for each in findings.values()} == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (replace(_ENDED, cpu_s=0.89), ""),
        (replace(_ENDED, cpu_s=0.9), ""),
        (replace(_ENDED, cpu_s=0.95), "95% of a core used, at most 90%"),
        (replace(_ENDED, loop_delay_max_s=0.5), ""),
        (replace(_ENDED, loop_delay_max_s=0.51), "its event loop stood for 0.510 s"),
        (replace(_ENDED, loop_delay_max_s=None), ""),
        (RecordingEnd(4, 0, 0.48, 0.48), ""),
        (RecordingEnd(4, 0, 0.5, 0.5), "100% of a core used, at most 90%"),
        (replace(_ENDED, memory_bytes=1_000_000_000), ""),
        (replace(_ENDED, memory_bytes=1_001_000_000), "1,001 MB used, at most 1,000 MB"),
    ],
    ids=[
        "kept up", "busy as may be", "busy", "stood as may be", "stood", "not measured",
        "too short to tell", "just long enough", "large as may be", "large",
    ],
)  # fmt: skip
def test_a_generator_that_did_not_keep_up_is_inconclusive_with_its_figure(
    tmp_path: Path, end: RecordingEnd, reason: str
) -> None:
    case = case_of(tmp_path, Load(end=end))
    finding = {each.id: each for each in judge_validity(case).findings}[
        "validity/generator-not-saturated"
    ]
    assert bottleneck(case.driven[0]) == reason
    assert finding.verdict is (Verdict.INCONCLUSIVE if reason else Verdict.PASS)


def test_a_saturated_generator_or_a_stall_leaves_counts_as_exact_as_they_are(
    tmp_path: Path,
) -> None:
    usage_only = f"{COUNTED_FLOW}profiles:\n  load: {{users: 1, iterations: 4}}\n"
    quick, slow = GOOD, (Made("open"), Made("use", duration_s=9.0))
    load = Load((quick,) * 30 + (slow,) * 1 + (quick,) * 30, end=replace(_ENDED, cpu_s=0.99))
    names = ("validity/generator-not-saturated", "validity/no-coordinated-omission")
    judged = {
        each.id: each
        for each in judge_validity(case_of(tmp_path, load, scenario=usage_only)).findings
    }
    for name in names:
        assert judged[name].verdict is Verdict.PASS
        assert judged[name].observed.endswith("; no check is on times")
    (tmp_path / "timed").mkdir()
    timed = judge_validity(case_of(tmp_path / "timed", load)).findings
    assert {each.verdict for each in timed if each.id in names} == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(("skew_s", "verdict"), [
    (0.9, Verdict.PASS), (1.0, Verdict.PASS), (-1.0, Verdict.PASS), (-1.1, Verdict.INCONCLUSIVE),
])  # fmt: skip
def test_a_clock_apart_from_that_of_prometheus_is_inconclusive(
    tmp_path: Path, skew_s: float, verdict: Verdict
) -> None:
    folder = write_run(tmp_path, Load())
    write_prometheus(folder, {}, collection=CollectionRecord(skew_s=skew_s))
    findings = {each.id: each for each in judge_validity(read_case(folder)).findings}
    assert findings["clock/prometheus"].verdict is verdict
    assert findings["clock/prometheus"].observed == f"{skew_s:+.3f} s"


def test_the_generator_of_the_last_phase_is_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load(end=replace(_ENDED, cpu_s=0.5)))
    write_agreeing_witnesses(folder)
    figures = generator_figures(read_case(folder))
    assert folder.path.name == RUN_ID
    assert (figures.cpu_ratio, figures.loop_delay_max_s) == (0.5, 0.01)
    assert (figures.lag_p99_s, figures.clock_skew_s) == (0.0, 0.001)


def test_a_generator_that_was_killed_has_no_figures(tmp_path: Path) -> None:
    figures = generator_figures(case_of(tmp_path, Load(end=None)))
    assert (figures.cpu_ratio, figures.lag_p99_s) == (None, None)


def test_a_generator_whose_window_never_began_has_no_figures(tmp_path: Path) -> None:
    load = Load((), profile="while", scheduled=None, end=RecordingEnd(0, 0, 0.0, 0.0))
    assert generator_figures(case_of(tmp_path, load)).cpu_ratio is None


def test_what_an_aborted_load_did_not_start_is_not_the_generators_fault(tmp_path: Path) -> None:
    end = RecordingEnd(4, 0, 0.1, 1.0, 0.01, stop_reason=StopReason.ABORTED,
                       stopped="aborted: any words", not_started=16)  # fmt: skip
    scenario = SCENARIO.replace("load: {users: 1, iterations: 4}",
                                "load: {rate: 20/s, duration: 1s, max_users: 5}")  # fmt: skip
    case = case_of(tmp_path, Load(scheduled=20, end=end), scenario=scenario)
    assert bottleneck(case.driven[0]) == ""
    findings = {each.id: each for each in judge_validity(case).findings}
    assert findings["validity/generator-not-saturated"].verdict is Verdict.PASS
    finding = findings["validity/iterations-add-up/load"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == (
        "20 scheduled, 4 begun, 0 dropped, 16 not started; aborted: any words"
    )


@pytest.mark.parametrize(
    ("late_s", "reason"),
    [(0.0, ""), (0.05, ""), (0.06, "it sent 0.060 s late (p99), at most 0.05 s")],
)
def test_a_generator_of_an_open_model_that_sends_late_is_inconclusive(
    tmp_path: Path, late_s: float, reason: str
) -> None:
    assert bottleneck(_sent_late(tmp_path, late_s).driven[0]) == reason


@pytest.mark.parametrize(("number", "rank"), [(1, 1), (99, 99), (100, 99), (200, 198)])
def test_the_lag_of_a_generator_is_the_99th_percentile_of_the_nearest_rank(
    tmp_path: Path, number: int, rank: int
) -> None:
    case = _sent_late(tmp_path, *(each / 1024 for each in range(number, 0, -1)))
    assert generator_figures(case).lag_p99_s == rank / 1024


def _sent_late(place: Path, *late_s: float) -> Case:
    """Write a load of an open model that sent each iteration's request so much later than due."""
    scenario = SCENARIO.replace("load: {users: 1, iterations: 4}",
                                "load: {rate: 4/s, duration: 1s, max_users: 5}")  # fmt: skip
    folder = write_run(place, Load((), end=None), scenario=scenario)
    for path in folder.exchanges.glob("load.*"):
        path.unlink()
    recorder = Recorder(folder.exchanges / "load.jsonl", "load", "load", 1, 4, ("open",))
    for iteration, sent_s in enumerate(late_s, start=1):
        number = recorder.intend(iteration, 0, 0.0)
        recorder.conclude(number, sent_s, sent_s + 0.1, Outcome.OK, 200)
    recorder.end(_ENDED)
    return read_case(folder)


def test_a_generator_that_is_saturated_for_a_time_is_inconclusive_with_when_it_was(
    tmp_path: Path,
) -> None:
    case = case_of(tmp_path, Load(end=replace(_ENDED, cpu_s=6.0, wall_s=20.0)))
    (recording,) = case.driven[0].recordings
    health = np.zeros(20, HEALTH_ROW)
    health["from_s"], health["to_s"] = np.arange(20), np.arange(1, 21)
    health["cpu_s"] = np.where(np.arange(20) < 12, 0.01, 1.0)
    busy = replace(case.driven[0], recordings=(replace(recording, health=health),))
    since = datetime.fromtimestamp(recording.start.anchor_at + 12, UTC)
    assert bottleneck(busy) == (
        f"100% of a core used from {since:%H:%M:%S} UTC on, for 5 s at least, at most 90%"
    )
