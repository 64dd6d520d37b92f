from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import read_case
from config.errors import ConfigError
from tests.evidence_factory import GOOD, TIMED_OUT, Load, case_of, record, write_run


def test_exchanges_are_those_of_every_phase_in_order(tmp_path: Path) -> None:
    case = case_of(tmp_path, Load((GOOD,) * 2, profile="while"), Load((GOOD,) * 3, profile="load"))
    assert [len(each) for each in case.exchanges] == [4, 6]
    assert case.measured is case.driven[-1]
    assert case.measured.phase.profile == "load"


def test_the_ledger_covers_all_phases_and_keeps_doubts_apart(tmp_path: Path) -> None:
    loads = Load((GOOD,) * 2, profile="while"), Load((GOOD, TIMED_OUT), profile="load")
    ledger = case_of(tmp_path, *loads).ledger
    assert ledger.confirmed["uses", ("tea",)] == 3
    assert ledger.in_doubt["uses", ("tea",)] == 1


def test_a_phase_is_scheduled_what_its_profile_says_or_else_what_was_begun(tmp_path: Path) -> None:
    (driven,) = case_of(tmp_path, Load((GOOD,) * 4)).driven
    assert driven.scheduled == 4
    assert driven.dropped == 0


def test_a_request_was_sent_when_its_generator_recorded_it(tmp_path: Path) -> None:
    case = case_of(tmp_path, Load((GOOD,) * 2))
    (recording,) = case.recordings
    for number, sequence in enumerate(recording.exchanges.sequence.tolist()):
        sent_s = float(recording.exchanges.column("sent_s")[number])
        at = case.sent_at(recording.exchanges.generator, sequence)
        assert at is not None
        assert at.timestamp() == pytest.approx(recording.start.anchor_at + sent_s, abs=1e-5)
    assert case.sent_at(recording.exchanges.generator, 99) is None
    assert case.sent_at("another", 1) is None


@pytest.mark.parametrize("name", ["run.json", "scenario.yaml"])
def test_a_run_without_its_record_or_scenario_cannot_be_judged(tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path, Load())
    next(folder.path.rglob(name)).unlink()
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        read_case(folder)


def test_traces_of_the_set_up_are_the_run_s_own_also_as_traceparent(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    record(folder, Load(profile="setup"))
    folder.write_run(replace(folder.read_run(), trace_header="traceparent"))
    case = read_case(folder)
    assert case.trace_ids.read(case.trace_ids.shown("setup", 1)) == f"{case.run.run_id}-setup-1"
