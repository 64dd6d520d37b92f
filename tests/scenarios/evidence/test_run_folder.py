from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.redaction import Secrets
from scenarios.evidence.run_folder import (
    Cause,
    DrivenPhase,
    Interruption,
    Run,
    RunFolder,
    Stage,
    Watch,
    create_run_folder,
    find_run_folder,
    new_run_id,
    with_phase,
)
from tests.scenarios.shop_scenario import GOOD, written

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = Run(
    run_id="20260102-030405-7f3a",
    environment="test",
    scenario="good",
    scenario_sha256="0" * 64,
    tenant="t",
    exclusive=True,
    services={"shop": "http://shop.example"},
    headers={"shop": {"Authorization": "Bearer ${TOKEN}"}},
    started_at=NOW,
    repeat="run.py good",
    versions={"python": "3"},
    phases=(DrivenPhase("once", "01-once", NOW),),
)


def made(runs: Path, run_id: str = RUN.run_id) -> RunFolder:
    environment = runs.parent / "environment.yaml"
    environment.write_text("token: ${TOKEN}\n")
    return create_run_folder(runs, run_id, written(runs.parent), environment)


def test_a_run_folder_has_the_scenario_and_the_environment_verbatim(tmp_path: Path) -> None:
    folder = made(tmp_path / "runs")
    assert folder.path == tmp_path / "runs" / RUN.run_id
    assert (folder.evidence / "scenario.yaml").read_text() == GOOD
    assert (folder.evidence / "environment.yaml").read_text() == "token: ${TOKEN}\n"
    assert folder.exchanges.is_dir()
    assert folder.witnesses.is_dir()
    assert folder.read_scenario().scenario == "good"


def test_latest_points_to_the_newest_run(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    made(runs, "first")
    assert find_run_folder(runs, "latest").path == (runs / "first").resolve()
    made(runs, "second")
    assert find_run_folder(runs, "latest").path == (runs / "second").resolve()
    assert (runs / "latest").readlink() == Path("second")


def test_latest_is_replaced_without_leftovers(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    made(runs, "first")
    made(runs, "second")
    assert sorted(each.name for each in runs.iterdir()) == ["first", "latest", "second"]


def test_latest_is_a_relative_link_and_survives_a_move_of_the_runs(tmp_path: Path) -> None:
    made(tmp_path / "runs", "first")
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest" / "evidence").is_dir()


def test_a_run_never_reuses_a_folder(tmp_path: Path) -> None:
    made(tmp_path / "runs")
    with pytest.raises(ConfigError, match="cannot create the run folder here: File exists"):
        made(tmp_path / "runs")


def test_a_file_in_place_of_the_runs_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigError, match=f"{tmp_path / 'runs'}: cannot create the run folder"):
        made(tmp_path / "runs")


def test_a_run_is_found_by_path_and_by_name(tmp_path: Path) -> None:
    folder = made(tmp_path / "runs").path.resolve()
    assert find_run_folder(tmp_path / "elsewhere", str(folder)).path == folder
    assert find_run_folder(tmp_path / "runs", RUN.run_id).path == folder


@pytest.mark.parametrize("name", ["none", "latest", "/none"])
def test_an_unknown_run_is_a_config_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as error:
        find_run_folder(tmp_path, name)
    assert str(error.value) == f"{name}: no such run, neither here nor in {tmp_path}"


def test_a_folder_without_evidence_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no such run"):
        find_run_folder(tmp_path, "empty")


def test_a_runs_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = made(tmp_path / "runs")
    interruption = Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT")
    finished_at = NOW + timedelta(seconds=1.5)
    finished = replace(RUN, finished_at=finished_at, interruption=interruption)
    for run in (RUN, finished):
        folder.write_run(run)
        assert folder.read_run() == run


def test_the_error_for_a_folder_without_a_record_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        made(tmp_path / "runs").read_run()
    assert str(error.value).endswith("this is not a run folder: evidence/run.json is missing")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"\xff"])
def test_a_damaged_record_is_reported_as_damaged(tmp_path: Path, content: bytes) -> None:
    folder = made(tmp_path / "runs")
    (folder.evidence / "run.json").write_bytes(content)
    with pytest.raises(ConfigError, match=r"run.json: the record is damaged: "):
        folder.read_run()


def test_a_phase_is_added_once_and_replaced_thereafter() -> None:
    second = DrivenPhase("load", "02-load", NOW)
    ended = replace(second, finished_at=NOW + timedelta(seconds=9))
    run = with_phase(with_phase(RUN, second), ended)
    assert run.phases == (*RUN.phases, ended)


def test_a_witness_file_is_written_verbatim_at_any_depth(tmp_path: Path) -> None:
    folder = made(tmp_path / "runs")
    folder.write_witness_file("before/prometheus.json", b"\x00{}")
    assert (folder.witnesses / "before" / "prometheus.json").read_bytes() == b"\x00{}"


def test_a_run_id_sorts_by_time_in_whatever_zone() -> None:
    east = timezone(timedelta(hours=5))
    first = new_run_id(NOW.astimezone(east))
    assert first.startswith("20260102-030405-")
    assert first < new_run_id(NOW + timedelta(seconds=1))


def test_runs_started_in_the_same_second_have_different_ids() -> None:
    assert len({new_run_id(NOW) for _ in range(8)}) > 1


DONE = DrivenPhase("once", "01-once", NOW, NOW)


@pytest.mark.parametrize(
    ("profiles", "phases", "stage"),
    [
        (("once",), (), Stage.SETUP),
        (("once",), (DrivenPhase("once", "01-once", NOW),), Stage.LOAD),
        (("once", "many"), (DONE,), Stage.LOAD),
        (("once",), (DONE,), Stage.SETTLE),
    ],
)
def test_a_run_without_an_end_was_killed_in_the_stage_that_its_phases_show(
    profiles: tuple[str, ...], phases: tuple[DrivenPhase, ...], stage: Stage
) -> None:
    run = replace(RUN, profiles=profiles, phases=phases)
    assert run.early_end == Interruption(stage, Cause.KILLED)


def test_an_interruption_that_was_recorded_stands_whether_the_run_came_to_its_end_or_not() -> None:
    interruption = Interruption(Stage.LOAD, Cause.SIGNAL, "SIGTERM")
    run = replace(RUN, interruption=interruption)
    assert run.early_end == replace(run, finished_at=NOW).early_end == interruption


def test_a_run_that_ended_by_itself_and_a_watch_that_can_be_resumed_did_not_end_early() -> None:
    watch = Watch(NOW, 1.0, 1.0, 0.99)
    assert replace(RUN, finished_at=NOW).early_end is None
    assert replace(RUN, watch=watch).early_end is None


def test_the_profiles_that_were_not_begun_are_known() -> None:
    assert replace(RUN, profiles=("once", "many")).not_driven == ("many",)


def test_nothing_gets_into_a_run_folder_with_a_secret(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, Secrets(("hunter22",)))
    folder.write_witness_file("service/page.txt", b'keys{key="hunter22"} 1\n')
    folder.write_witness_lines("rows.jsonl", [b'["hunter22"]\n', b"[7]\n"] * 1_500)
    (tmp_path / "load.log").write_text("no hunter22")
    (folder.evidence / "scenario.yaml").write_text("a: hunter22")
    folder.redact_logs()
    folder.redact_files()
    assert (folder.witnesses / "service/page.txt").read_text() == 'keys{key="***"} 1\n'
    assert (folder.witnesses / "rows.jsonl").read_text() == '["***"]\n[7]\n' * 1_500
    assert (tmp_path / "load.log").read_text() == "no ***"
    assert (folder.evidence / "scenario.yaml").read_text() == "a: redacted"


def test_a_secret_that_is_learned_late_is_redacted_in_what_was_written_before(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    folder.write_witness_file("before.txt", b'keys{key="hunter22"} 1\n')
    folder.secrets.learn("hunter22")
    folder.redact_witnesses()
    assert (folder.witnesses / "before.txt").read_text() == 'keys{key="***"} 1\n'
