import logging
from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import Case
from checks.judgement import Judgement
from checks.result import Kind
from checks.result_document import read_result
from checks.suite import SUITE, judge
from checks.verdict import Verdict
from config.errors import ConfigError
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import RecordingEnd
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import (
    EVERYTHING_IS_WELL,
    GOOD,
    REFUSED,
    SCENARIO,
    Load,
    Made,
    write_agreeing_witnesses,
    write_health,
    write_prometheus,
    write_rows,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord

EVERY_CHECK = SCENARIO.replace(
    "checks:\n",
    "checks:\n  throughput: {at_least: 0.3/s}\n"
    "  server_latency: [{histogram: use_seconds, p95: 1s}]\n",
)
# long enough for the four iterations of a load, which are due a second after each other
LONG = replace(Load(), end=RecordingEnd(4, 0, 0.1, 10.0, 0.01))


def _good(place: Path, *loads: Load, scenario: str = SCENARIO) -> RunFolder:
    folder = write_run(place, *(loads or (Load(),)), scenario=scenario)
    write_agreeing_witnesses(folder)
    return folder


def test_a_run_in_which_everything_held_passes(tmp_path: Path) -> None:
    result = judge(_good(tmp_path))
    assert {each.verdict for each in result.findings} == {Verdict.PASS}
    assert result.verdict is Verdict.PASS
    assert not result.partial


def test_every_kind_of_check_says_something_of_a_good_run(tmp_path: Path) -> None:
    kinds = {each.kind for each in judge(_good(tmp_path, LONG, scenario=EVERY_CHECK)).findings}
    assert kinds == set(Kind) - {Kind.AVAILABILITY}  # which is a watch's


def test_one_lost_row_fails_the_run(tmp_path: Path) -> None:
    folder = _good(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 4], ["coffee", 7]]}})
    result = judge(folder)
    assert result.verdict is Verdict.FAIL
    assert [each.id for each in result.findings if each.verdict is Verdict.FAIL] == ["usage/uses"]


def test_one_witness_that_is_missing_makes_the_run_inconclusive(tmp_path: Path) -> None:
    folder = _good(tmp_path)
    (folder.witnesses / "database" / "after.json").unlink()
    assert judge(folder).verdict is Verdict.INCONCLUSIVE


def test_a_run_that_drove_nothing_is_inconclusive(tmp_path: Path) -> None:
    assert judge(write_run(tmp_path)).verdict is Verdict.INCONCLUSIVE


def test_judging_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = _good(tmp_path, Load((GOOD, GOOD, GOOD, REFUSED)))
    judge(folder)
    first = folder.result.read_bytes()
    judge(folder)
    assert folder.result.read_bytes() == first


def test_the_result_on_disk_is_the_result(tmp_path: Path) -> None:
    folder = _good(tmp_path)
    result = judge(folder)
    assert read_result(folder.result) == result


def test_a_judge_that_crashes_is_an_inconclusive_finding_and_the_others_still_speak(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def crashing(_: Case) -> Judgement:
        raise RuntimeError("no luck")

    others = tuple(entry for entry in SUITE if entry[0] is not Kind.LATENCY)
    with caplog.at_level(logging.ERROR):
        folder = _good(tmp_path, LONG, scenario=EVERY_CHECK)
        result = judge(folder, ((Kind.LATENCY, crashing), *others))
    crashed = [each for each in result.findings if each.kind is Kind.LATENCY]
    assert [each.verdict for each in crashed] == [Verdict.INCONCLUSIVE]
    assert crashed[0].observed == "the check crashed: RuntimeError: no luck"
    assert result.verdict is Verdict.INCONCLUSIVE
    assert len({each.kind for each in result.findings}) == len(SUITE)
    assert "RuntimeError: no luck" in caplog.text


def test_a_phase_tells_what_was_planned_and_what_was_done(tmp_path: Path) -> None:
    phase = judge(_good(tmp_path, Load((GOOD, GOOD, GOOD, REFUSED)))).phases[0]
    assert (phase.scheduled, phase.completed, phase.dropped) == (4, 3, 0)
    assert phase.exchanges == {"ok": 7, "rejected": 1}
    assert phase.planned_counts == {"visits": 4, "uses": 12}
    assert {name: each.confirmed for name, each in phase.counts.items()} == {
        "visits": 4,
        "uses": 9,
    }


def test_a_phase_that_goes_on_to_the_end_of_the_run_ends_with_it(tmp_path: Path) -> None:
    """A watch has one phase, and nobody comes back to say that it is over."""
    folder = write_run(tmp_path, Load())
    run = folder.read_run()
    folder.write_run(replace(run, phases=tuple(replace(each, finished_at=None)
                                               for each in run.phases)))  # fmt: skip
    (phase,) = judge(folder).phases
    assert phase.started_at < phase.finished_at == run.finished_at


def test_the_waterfall_is_an_iteration_of_median_length(tmp_path: Path) -> None:
    slow, slower = ((Made("open", duration_s=seconds), Made("use")) for seconds in (0.5, 0.9))
    bars = judge(_good(tmp_path, Load((GOOD, slower, slow, slower)))).waterfall
    assert [bar.step for bar in bars] == ["open", "use"]
    assert bars[0].duration_s == pytest.approx(0.5)
    assert bars[1].start_s == pytest.approx(0.5)


def test_the_waterfall_is_of_an_iteration_that_completed_if_any_did(tmp_path: Path) -> None:
    refused = (Made("open", Outcome.REJECTED, 503, "status 503, expected 200", 0.001),)
    bars = judge(_good(tmp_path, Load((refused, refused, refused, GOOD)))).waterfall
    assert [bar.step for bar in bars] == ["open", "use"]


def test_the_waterfall_of_a_run_in_which_nothing_completed_is_of_what_was_sent(
    tmp_path: Path,
) -> None:
    refused = (Made("open", Outcome.REJECTED, 503, "status 503, expected 200", 0.001),)
    bars = judge(_good(tmp_path, Load((refused,) * 4))).waterfall
    assert [(bar.step, bar.outcome) for bar in bars] == [("open", "rejected")]


def test_a_run_that_did_not_finish_is_partial(tmp_path: Path) -> None:
    assert judge(write_run(tmp_path, Load(), finished=False)).partial


def test_a_folder_that_is_no_run_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is not a run folder"):
        judge(RunFolder(tmp_path))


def test_the_deployment_is_known_from_the_evidence(tmp_path: Path) -> None:
    folder = _good(tmp_path)
    status = replace(EVERYTHING_IS_WELL, version="1.14.2 (4c1f9e0)")
    write_health(folder, "before", {"shop": status})
    run = replace(
        folder.read_run(), prometheus="http://prometheus:9090", commit="4c1f9e0",
        databases={"main": "sqlite:///shop.db"},
    )  # fmt: skip
    folder.write_run(run)
    write_prometheus(
        folder, {}, collection=CollectionRecord(interval_s=5.0, version="3.5.0", settling_s=17.0)
    )
    found = judge(folder).deployment
    assert found.service_versions == {"shop": "1.14.2 (4c1f9e0)"}
    assert (found.prometheus, found.commit) == ("http://prometheus:9090", "4c1f9e0")
    assert found.databases == {"main": "sqlite:///shop.db"}
    assert (found.prometheus_version, found.scrape_interval_s) == ("3.5.0", 5.0)
    assert found.settling_s == 17.0


def test_a_phase_of_random_arrivals_has_its_rate_and_seed(tmp_path: Path) -> None:
    profile = "load: {rate: 4/s, duration: 1s, arrivals: poisson, seed: 42}"
    scenario = SCENARIO.replace("load: {users: 1, iterations: 4}", profile)
    folder = write_run(tmp_path, Load(), scenario=scenario)
    (phase,) = judge(folder).phases
    assert (phase.target_rate_per_s, phase.seed) == (4.0, 42)


def test_a_closed_model_has_neither_rate_nor_seed(tmp_path: Path) -> None:
    (phase,) = judge(_good(tmp_path)).phases
    assert (phase.target_rate_per_s, phase.seed) == (None, None)
