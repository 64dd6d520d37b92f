import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.scripts.conftest import Start
from tests.scripts.fake_run import NAME
from tests.scripts.script_process import FAKE, NIGHTLY, harness_arguments, run_script

HEARD = "signals.json"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "a place" / "runs"


def begun(days_ago: float, number: int = 0, prefix: str = "") -> str:
    """Return the name of a run that began some days ago."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return f"{prefix}{at:%Y%m%d-%H%M%S}-{number:04x}"


def make_run(runs: Path, name: str, written_days_ago: float = 400) -> Path:
    """Create the folder of a run whose files were written some days ago."""
    evidence = runs / name / "evidence"
    evidence.mkdir(parents=True)
    file = evidence / "run.json"
    file.touch()
    at_s = time.time() - written_days_ago * 86400
    os.utime(file, (at_s, at_s))
    return runs / name


def names(runs: Path) -> set[str]:
    return {each.name for each in runs.iterdir()} - {NAME, "latest", ".nightly.lock"}


def test_options_override_variables(runs: Path) -> None:
    run_script(NIGHTLY, "--env", "here", RUNS=str(runs), ENVIRONMENT="there", SCENARIO="mine")
    assert harness_arguments(runs) == [
        "nightly", "--env", "here", "--scenario", "mine", "--runs", str(runs)
    ]  # fmt: skip


def test_paths_are_relative_to_the_callers_folder(tmp_path: Path) -> None:
    run_script(NIGHTLY, "--env=mine.yaml", "--runs=some runs", cwd=tmp_path)
    assert harness_arguments(tmp_path / "some runs")[2] == str(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("code", "word"), [(0, "passed"), (1, "failed"), (2, "refused"), (3, "inconclusive")]
)
def test_the_exit_code_is_that_of_the_run_and_the_last_line_names_the_report(
    runs: Path, code: int, word: str
) -> None:
    ended = run_script(NIGHTLY, RUNS=str(runs), FAKE_EXIT=str(code))
    last = ended.stdout.splitlines()[-1]
    assert ended.returncode == code, ended.stderr
    assert f"exit {code} ({word}" in last
    assert last.endswith(f"report {runs}/{NAME}/report.html")


def test_the_report_of_an_earlier_run_is_not_named(runs: Path) -> None:
    before = make_run(runs, begun(1))
    (before / "report.html").touch()
    (runs / "latest").symlink_to(before.name)
    ended = run_script(NIGHTLY, RUNS=str(runs), FAKE_REFUSES="yes", FAKE_EXIT="2")
    assert ended.returncode == 2
    assert ended.stdout.splitlines()[-1].endswith("without a report")


@pytest.mark.parametrize("lock", ["a file", "no file"])
def test_a_second_nightly_is_refused_until_the_first_has_ended(
    runs: Path, start: Start, lock: str
) -> None:
    runs.mkdir(parents=True)
    if lock == "no file":
        (runs / ".nightly.lock").mkdir()
    first = start(NIGHTLY, RUNS=str(runs))
    second = run_script(NIGHTLY, RUNS=str(runs))
    first.process.terminate()
    code, _, stderr = first.end()
    assert (code, second.returncode) == (0, 4)
    assert second.stderr.startswith("nightly: another nightly runs ")
    if lock == "a file":
        assert f"UTC, pid {first.process.pid} with" in second.stderr
    else:
        assert "is the disk full?" in stderr
    shutil.rmtree(runs / NAME)
    (runs / "latest").unlink()
    assert run_script(NIGHTLY, RUNS=str(runs)).returncode == 0


def test_a_killed_nightly_blocks_others_only_while_its_run_goes_on(
    runs: Path, start: Start
) -> None:
    first = start(NIGHTLY, RUNS=str(runs))
    first.process.kill()
    first.process.wait()
    meanwhile = run_script(NIGHTLY, RUNS=str(runs))
    first.harness.kill()
    first.end()  # its stdout is closed once the fake run.py is gone
    (runs / "latest").unlink()
    shutil.rmtree(runs / NAME)
    assert meanwhile.returncode == 4
    assert run_script(NIGHTLY, RUNS=str(runs)).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_run_and_its_partial_report_is_named(
    runs: Path, start: Start, number: signal.Signals
) -> None:
    old = make_run(runs, begun(200))
    waiting = start(NIGHTLY, RUNS=str(runs), FAKE_EXIT="3", KEEP_AT_LEAST="0")
    waiting.process.send_signal(number)
    code, stdout, _ = waiting.end()
    assert (code, (runs / NAME / HEARD).read_text()) == (3, '["SIGTERM"]')
    assert stdout.splitlines()[-1].endswith(f"report {runs}/{NAME}/report.html")
    assert old.exists()


def test_a_signal_to_the_whole_group_reaches_the_run_once(runs: Path, start: Start) -> None:
    waiting = start("timeout", "--signal=TERM", "50", NIGHTLY, RUNS=str(runs))
    waiting.process.terminate()  # it signals the script, and then its process group
    waiting.end()
    assert (runs / NAME / HEARD).read_text() == '["SIGTERM"]'


def test_two_signals_at_once_reach_the_run_as_one(runs: Path, start: Start) -> None:
    waiting = start(NIGHTLY, RUNS=str(runs))
    waiting.process.terminate()
    assert waiting.messages.readline() == "heard\n"
    waiting.process.send_signal(signal.SIGINT)
    waiting.end()
    assert (runs / NAME / HEARD).read_text() == '["SIGTERM"]'


def test_control_c_in_a_terminal_reaches_the_run_once(runs: Path, start: Start) -> None:
    ours, theirs = os.openpty()
    waiting = start("setsid", "--ctty", NIGHTLY, stdin=theirs, RUNS=str(runs), FAKE_EXIT="3")
    os.write(ours, b"\x03")
    code, *_ = waiting.end()
    os.close(ours)
    os.close(theirs)
    assert (code, (runs / NAME / HEARD).read_text()) == (3, '["SIGTERM"]')


def test_only_the_folders_of_old_runs_are_deleted(runs: Path, tmp_path: Path) -> None:
    elsewhere = make_run(tmp_path / "elsewhere", begun(300))
    old = [make_run(runs, begun(40 + number, number)) for number in range(3)]
    old += [make_run(runs, begun(50, 9, prefix)) for prefix in ("audit-", "up-")]
    recent = [
        make_run(runs, begun(29, 1)),
        make_run(runs, begun(90, 2), written_days_ago=2),  # a watch, or judged again
        make_run(runs, begun(80, 3)),  # the one of `watch-staging`
        make_run(runs, f"locust-{begun(90)}"),
        make_run(runs, f"{begun(90)}.kept"),
        make_run(runs, "notes"),
    ]
    (runs / "watch-staging").symlink_to(recent[2].name)
    (runs / elsewhere.name).symlink_to(elsewhere)
    (runs / "dangling").symlink_to("nowhere/at/all")
    (runs / begun(70)).touch()
    (runs / "history").mkdir()
    os.utime(runs / "history", (0, 0))
    kept = names(runs) - {each.name for each in old}

    ended = run_script(NIGHTLY, RUNS=str(runs), KEEP_AT_LEAST="0")

    assert names(runs) == kept
    assert (elsewhere / "evidence" / "run.json").exists()
    assert "retention: 5 old run folders deleted" in ended.stderr


def test_the_newest_runs_of_each_kind_are_kept_at_any_age(runs: Path) -> None:
    made = [make_run(runs, begun(100 + number, number)).name for number in range(4)]
    audit = make_run(runs, begun(500, 1, "audit-")).name
    run_script(NIGHTLY, "--keep-at-least", "3", "--keep-days", "7", RUNS=str(runs))
    assert names(runs) == {*made[:2], audit}  # the third is the run of this test


def test_the_target_of_latest_is_kept_at_any_age(runs: Path) -> None:
    old = make_run(runs, begun(300))
    (runs / "latest").symlink_to(old.name)
    run_script(NIGHTLY, RUNS=str(runs), KEEP_AT_LEAST="0", FAKE_REFUSES="yes")
    assert names(runs) == {old.name}


@pytest.mark.parametrize(("tool", "where"), [("rm", ""), ("find", "-type l"), ("find", "-type f")])
def test_a_failed_retention_is_a_warning_and_deletes_nothing(
    runs: Path, tmp_path: Path, tool: str, where: str
) -> None:
    old = make_run(runs, begun(300))
    broken = tmp_path / "bin" / tool
    broken.parent.mkdir()
    broken.write_text(
        f'#!/bin/sh\ncase "$*" in *"{where}"*) exit 1 ;; esac\nexec /usr/bin/{tool} "$@"\n'
    )
    broken.chmod(0o755)
    ended = run_script(
        NIGHTLY, RUNS=str(runs), KEEP_AT_LEAST="0", PATH=f"{broken.parent}:/usr/bin:/bin"
    )
    assert ended.returncode == 0
    assert "warning: retention failed" in ended.stderr
    assert old.exists()


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--enviroment", "local"], {}),
        (["local"], {}),
        (["--env"], {}),
        (["--env="], {}),
        (["--keep-days", "-1"], {}),
        ([], {"KEEP_DAYS": "a week"}),
        ([], {"KEEP_AT_LEAST": "1.5"}),
        ([], {"RUNS": "/dev/null/runs"}),
    ],
)
def test_a_wrong_command_is_reported_in_one_line_and_nothing_is_run(
    tmp_path: Path, arguments: list[str], variables: dict[str, str]
) -> None:
    given = {"RUNS": str(tmp_path / "runs"), **variables}
    ended = run_script(NIGHTLY, *arguments, cwd=ROOT, **given)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert not (tmp_path / "runs" / NAME).exists()


def test_the_help_names_every_variable() -> None:
    text = run_script(NIGHTLY, "--help").stdout
    for name in ("ENVIRONMENT", "SCENARIO", "RUNS", "KEEP_DAYS", "KEEP_AT_LEAST", "HARNESS"):
        assert f" {name} " in text


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone that is not set up, with the fake run.py."""
    clone = tmp_path / "a bare clone"
    shutil.copytree(NIGHTLY.parent, clone / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FAKE, clone / "run.py")
    (clone / "Makefile").write_text(
        f"setup:\n\tmkdir -p .venv/bin\n\tln -s {sys.executable} .venv/bin/python\n"
    )
    return clone


def test_a_bare_clone_is_set_up_first(bare: Path, tmp_path: Path) -> None:
    ended = run_script(bare / "scripts" / "nightly.sh", cwd=tmp_path, HARNESS="")
    assert ended.returncode == 0, ended.stderr
    assert harness_arguments(bare / "runs")[0] == "nightly"


def test_nothing_is_run_if_the_set_up_fails(bare: Path) -> None:
    (bare / "Makefile").write_text("setup:\n\t@echo no index answers >&2; exit 1\n")
    ended = run_script(bare / "scripts" / "nightly.sh", HARNESS="")
    assert ended.returncode == 2
    assert "no index answers" in ended.stderr
    assert "could not be set up" in ended.stderr
    assert not (bare / "runs" / NAME).exists()


@pytest.mark.long
@pytest.mark.stack
def test_a_real_nightly_on_this_machine_passes(runs: Path) -> None:
    ended = run_script(NIGHTLY, RUNS=str(runs), HARNESS="")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = Path(ended.stdout.splitlines()[-1].partition(" report ")[2])
    assert {each.name for each in report.parent.iterdir()} >= {"report.html", "junit.xml"}
    assert (runs / "history").exists()


@pytest.mark.long
@pytest.mark.stack
def test_a_real_nightly_that_is_terminated_leaves_a_partial_report(runs: Path) -> None:
    command: list[str | Path] = [NIGHTLY, "--runs", runs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"baseline" in line:
                break
        process.terminate()
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    assert stdout.decode().splitlines()[-1].endswith("/report.html")
