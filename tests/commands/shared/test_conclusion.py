"""The end of a run: its verdict, its report, what is printed, and the exit code."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from checks.history.store import history_of, history_path, write_entry
from checks.result import Result
from checks.result_document import read_result
from checks.verdict import Verdict, exit_code
from commands.shared.conclusion import conclude, finish, load_s, publish, write_report
from reports.progress import Progress
from scenarios.evidence.manifest import changed_files
from scenarios.evidence.run_folder import Cause, Interruption, RunFolder, Stage
from tests.checks.history.entries import entry
from tests.evidence_factory import (
    RUN_ID,
    STARTED_AT,
    Load,
    write_agreeing_witnesses,
    write_rows,
    write_run,
)
from tests.reports.results import failing_result, good_result, phase

REPORTS = {"report.html", "junit.xml", "summary.md"}


@pytest.fixture(autouse=True)
def _no_job_of_github(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def published(result: Result, folder: Path, as_json: bool = False) -> int:
    """Publish a result; return the exit code."""
    with pytest.raises(typer.Exit) as ended:
        publish(result, RunFolder(folder), as_json)
    return ended.value.exit_code


def concluded(folder: RunFolder, progress: Progress | None = None) -> int:
    """Conclude a run; return the exit code."""
    with pytest.raises(typer.Exit) as ended:
        conclude(folder, as_json=True, progress=progress)
    return ended.value.exit_code


def good_run(place: Path) -> RunFolder:
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    return folder


def quiet() -> Progress:
    return Progress(io.StringIO())


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.INCONCLUSIVE, 3)]
)
def test_each_verdict_has_an_exit_code_of_its_own(
    tmp_path: Path, verdict: Verdict, code: int, as_json: bool
) -> None:
    assert published(good_result(verdict=verdict), tmp_path, as_json) == code


def test_json_is_one_document_and_nothing_else_even_in_a_job_of_github(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    published(failing_result(), tmp_path, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["run_id"], document["verdict"]) == (failing_result().run_id, "fail")


def test_people_are_told_the_verdict_and_where_the_report_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    published(failing_result(), tmp_path)
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0].startswith("FAIL ")
    assert any(line.endswith(f" {tmp_path / 'report.html'}") for line in lines)


@pytest.mark.parametrize(
    ("variable", "are_shown"), [("true", True), ("false", False), (None, False)]
)
def test_annotations_are_printed_in_a_job_of_github_only(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    are_shown: bool,
) -> None:
    if variable:
        monkeypatch.setenv("GITHUB_ACTIONS", variable)
    published(failing_result(), tmp_path)
    assert ("\n::error title=FAIL" in capsys.readouterr().out) is are_shown


def test_the_time_under_load_is_the_sum_of_all_profiles() -> None:
    phases = (replace(phase("e2e", 1, 1), elapsed_s=0.5), replace(phase("b", 9, 9), elapsed_s=7.0))
    assert load_s(good_result(phases=phases)) == 7.5


def test_a_report_has_its_files_in_the_folder_of_the_run(tmp_path: Path) -> None:
    write_report(good_result(), RunFolder(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == REPORTS


@pytest.mark.parametrize(("rows_of_tea", "code"), [(4, 0), (3, 1)])
def test_a_run_is_judged_by_its_evidence(tmp_path: Path, rows_of_tea: int, code: int) -> None:
    folder = good_run(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", rows_of_tea], ["coffee", 8]]}})
    assert concluded(folder) == code
    assert {path.name for path in folder.path.iterdir()} >= REPORTS
    assert exit_code(read_result(folder.result).verdict) == code


def test_a_new_run_is_remembered_and_tells_of_its_judgement(tmp_path: Path) -> None:
    folder, stream = good_run(tmp_path), io.StringIO()
    concluded(folder, Progress(stream))
    assert [path.stem for path in history_path(folder).iterdir()] == [RUN_ID]
    judged, total = stream.getvalue().splitlines()
    assert " judge " in judged
    assert total.endswith(" s beyond the load")


def test_a_run_that_is_judged_again_writes_nothing_beside_its_folder(tmp_path: Path) -> None:
    folder = good_run(tmp_path)
    concluded(folder)
    assert not history_path(folder).exists()
    history_path(folder).mkdir()
    concluded(folder)
    assert not list(history_path(folder).iterdir())


def test_a_new_run_is_put_into_the_history(tmp_path: Path) -> None:
    folder = good_run(tmp_path)
    concluded(folder, quiet())
    assert [path.stem for path in history_path(folder).iterdir()] == [RUN_ID]


def test_a_history_that_cannot_be_written_costs_a_line_in_the_log_and_no_verdict(
    tmp_path: Path,
) -> None:
    folder = good_run(tmp_path)
    history_path(folder).write_text("a file, where a folder must be")
    assert concluded(folder, quiet()) == 0
    assert "the run could not be written" in (folder.path / "run.log").read_text()


def test_a_finished_run_keeps_how_it_ended_and_what_it_can_be_compared_with(
    tmp_path: Path,
) -> None:
    folder = good_run(tmp_path)
    earlier, elsewhere = entry(1), entry(2, environment="elsewhere")
    assert earlier.started_at < STARTED_AT
    for each in (earlier, elsewhere):
        write_entry(history_path(folder), each)
    ended = replace(
        folder.read_run(), interruption=Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT")
    )
    finish(folder, ended)
    assert folder.read_run() == replace(ended, has_manifest=True)
    assert not changed_files(folder, folder.read_run())
    assert history_of(folder).entries == (earlier,)
