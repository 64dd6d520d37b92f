"""Tests of the GitHub workflow of docs/nightly.md: its conditions, its steps, and its secrets."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT

FILE = ROOT / ".github" / "workflows" / "nightly.yaml"
# BaseLoader, because the default loader reads the key `on` as true
WORKFLOW: dict[str, Any] = yaml.load(FILE.read_text(), Loader=yaml.BaseLoader)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
NIGHTS = [job for job, content in JOBS.items() if "ENVIRONMENT" in content.get("env", {})]
STEPS = [(job, step) for job, content in JOBS.items() for step in content["steps"]]
RUNS = [(job, step) for job, step in STEPS if "run" in step]
SAFE = r"\$\{\{ (secrets|vars)\.STAGING_[A-Z_]+ \}\}"


def step_of(job: str, name: str) -> dict[str, Any]:
    return next(step for step in JOBS[job]["steps"] if step.get("name", "").startswith(name))


def using(job: str, action: str) -> list[dict[str, Any]]:
    return [step for step in JOBS[job]["steps"] if step.get("uses", "").startswith(action)]


def run_block(text: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a step like the GitHub runner, with its output and summary files in a folder."""
    given = {"GITHUB_OUTPUT": str(folder / "out"), "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text], cwd=folder,
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(folder), **given, **variables},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def written(folder: Path, name: str = "out") -> str:
    return (folder / name).read_text() if (folder / name).exists() else ""


@pytest.mark.parametrize(("job", "step"), RUNS)
def test_a_step_is_valid_bash_without_interpolated_values(job: str, step: dict[str, Any]) -> None:
    ended = subprocess.run(["bash", "-n"], input=step["run"], text=True, check=False)
    assert ended.returncode == 0
    assert "${{" not in step["run"], f"{job}: a value could be run as a command"


def test_every_script_that_is_called_exists_and_is_executable() -> None:
    named = {name for _, step in RUNS for name in re.findall(r"scripts/[\w./-]+", step["run"])}
    assert named == {"scripts/nightly.sh"}
    assert all(os.access(ROOT / name, os.X_OK) for name in named)


def test_only_two_steps_receive_secrets() -> None:
    holders = [step["name"] for _, step in STEPS if "secrets." in str(step)]
    assert holders == ["Ask whether staging can be reached", "Nightly"]
    env = step_of("staging", "Nightly")["env"]
    assert all(re.fullmatch(SAFE, value) for value in env.values())
    assert "secrets." not in str([content.get("env") for content in JOBS.values()])


def test_the_staging_job_sets_every_variable_of_its_environment() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "config" / "staging.yaml").read_text()))
    given = set(step_of("staging", "Nightly")["env"]) - {"STAGING_CA"} | {"STAGING_CA_FILE"}
    assert given == asked


def test_the_workflow_has_read_permission_only_and_pins_its_actions() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in content for content in JOBS.values())
    uses = {step["uses"] for _, step in STEPS if "uses" in step}
    # By commit: a tag can be moved to other code.
    assert all(re.fullmatch(r"[a-z/-]+@[0-9a-f]{40}", use) for use in uses)
    assert {use.partition("@")[0] for use in uses} == {
        "actions/checkout", "actions/setup-python", "actions/cache/restore",
        "actions/cache/save", "actions/upload-artifact",
    }  # fmt: skip
    versions = re.findall(r"uses: \S+@[0-9a-f]{40}  # v\d+\.\d+\.\d+$", FILE.read_text(), re.M)
    assert len(versions) == sum("uses" in step for _, step in STEPS)
    for job in JOBS:
        assert using(job, "actions/checkout")[0]["with"]["persist-credentials"] == "false"


def test_both_environments_have_a_night_and_every_test_is_run_beside_them() -> None:
    assert [*NIGHTS, "tests"] == ["local", "staging", "tests"] == list(JOBS)
    commands = step_of("tests", "Run every test")["run"].splitlines()
    assert commands[-1] == ".ci/run test-all"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "github.event_name == 'schedule'" in JOBS["tests"]["if"]
    assert "\ntest-all: setup ##" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("job", NIGHTS)
def test_nightlies_of_one_environment_do_not_overlap(job: str) -> None:
    assert JOBS[job]["concurrency"] == {"group": f"nightly-{job}", "cancel-in-progress": "false"}
    assert int(JOBS[job]["timeout-minutes"]) <= 60


@pytest.mark.parametrize("job", NIGHTS)
def test_the_history_is_restored_before_and_always_saved_after_the_nightly(job: str) -> None:
    names = [step.get("name") for step in JOBS[job]["steps"]]
    order = ["Restore the history", "Nightly", "Save the history"]
    assert [name for name in names if name in order] == order
    restored, saved = (step_of(job, name) for name in (order[0], order[2]))
    assert restored["with"]["key"] == saved["with"]["key"]
    assert "${{ github.run_id }}-${{ github.run_attempt }}" in saved["with"]["key"]
    assert saved["with"]["key"].startswith(restored["with"]["restore-keys"])
    assert restored["with"]["restore-keys"] == f"history-{job}-"
    assert saved["if"].startswith("always()")


@pytest.mark.parametrize("job", NIGHTS)
def test_the_report_is_always_uploaded_and_the_evidence_unless_it_passed(job: str) -> None:
    report, evidence = using(job, "actions/upload-artifact")
    files = [Path(line).name for line in report["with"]["path"].split()]
    assert files[2::3] == ["report.html", "result.json", "junit.xml", "summary.md", "run.log"]
    assert report["if"] == "always() && steps.outcome.outputs.run"
    assert evidence["if"].endswith("steps.outcome.outputs.verdict != 'pass'")
    assert all(step["with"]["retention-days"] for step in (report, evidence))


def test_both_jobs_end_with_the_same_steps() -> None:
    ends = []
    for job in NIGHTS:
        steps = JOBS[job]["steps"]
        start = next(n for n, step in enumerate(steps) if step.get("id") == "outcome")
        text = str(steps[start:]).replace(f"-{job}-", "-JOB-")
        ends.append(text.replace(" && steps.staging.outputs.there", ""))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("verdict", ["pass", "fail", "inconclusive", None])
def test_the_outcome_names_the_run_and_defaults_to_inconclusive(
    tmp_path: Path, verdict: str | None
) -> None:
    (tmp_path / "runs" / "this").mkdir(parents=True)
    (tmp_path / "runs" / "latest").symlink_to("this")
    if verdict:
        (tmp_path / "runs" / "this" / "result.json").write_text(f'{{"verdict": "{verdict}"}}')
    ended = run_block(step_of("local", "Look")["run"], tmp_path)
    assert ended.returncode == 0
    assert written(tmp_path) == f"run=runs/this\nverdict={verdict or 'inconclusive'}\n"


def test_without_a_run_there_is_no_outcome(tmp_path: Path) -> None:
    assert run_block(step_of("local", "Look")["run"], tmp_path).returncode == 0
    assert not written(tmp_path)


@pytest.mark.parametrize("job", NIGHTS)
def test_an_inconclusive_nightly_fails_with_that_title(job: str, tmp_path: Path) -> None:
    step = step_of(job, "INCONCLUSIVE")
    ended = run_block(step["run"], tmp_path, ENVIRONMENT=job)
    assert step["if"] == "always() && steps.outcome.outputs.verdict == 'inconclusive'"
    assert (ended.returncode, ended.stdout[:34]) == (1, "::error title=INCONCLUSIVE::The ni")


@pytest.mark.parametrize("job", NIGHTS)
@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_the_nightly_step_has_the_exit_code_of_the_script(
    job: str, code: int, tmp_path: Path
) -> None:
    script = tmp_path / "scripts" / "nightly.sh"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ncat -- "$STAGING_CA_FILE" >ca\nexit {code}\n')
    script.chmod(0o755)
    ended = run_block(step_of(job, "Nightly")["run"], tmp_path, STAGING_CA="a CA\nin two lines")
    assert ended.returncode == code
    assert written(tmp_path, "ca") == ("a CA\nin two lines\n" if job == "staging" else "")


@pytest.mark.parametrize(
    ("variables", "code", "outputs", "message"),
    [
        ({"STAGING_API_TOKEN": "token", "EVENT": "schedule"}, 0, "there=yes\n", ""),
        ({"EVENT": "schedule"}, 0, "", "::notice title=Staging SKIPPED::"),
        ({"EVENT": "workflow_dispatch", "ASKED": "all"}, 0, "", "::notice title=Staging SKIPPED::"),
        ({"EVENT": "workflow_dispatch", "ASKED": "staging"}, 1, "", "::error title=Staging cannot"),
    ],
)
def test_without_a_token_staging_is_skipped_unless_it_was_requested(
    variables: dict[str, str], code: int, outputs: str, message: str, tmp_path: Path
) -> None:
    ended = run_block(step_of("staging", "Ask")["run"], tmp_path, **variables)
    assert (ended.returncode, written(tmp_path)) == (code, outputs)
    assert ended.stdout.startswith(message)
    assert "token" not in ended.stdout + written(tmp_path)
    assert ("SKIPPED" in written(tmp_path, "summary")) == ("notice" in message)


def test_every_staging_step_is_conditional_on_the_token() -> None:
    for step in JOBS["staging"]["steps"][1:]:
        condition = step["if"]
        assert re.search(r"steps\.(staging\.outputs\.there|outcome\.outputs)|hashFiles", condition)
