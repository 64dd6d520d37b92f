"""The installed program in the folder of a user, whose packages have the names of ours."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.installation import Installation, called

pytestmark = pytest.mark.long

SCENARIO = """\
scenario: uses
quantities:
  uses:
    by: []
    prometheus: uses_total
    database: {main: "SELECT count(*) FROM uses WHERE tenant = :tenant"}
flow:
  - step: use
    request: POST meter /uses
    json: {}
    expect: {status: 201}
    counts: {uses: 1}
profiles:
  e2e: {users: 1, iterations: 1}
  benchmark: {users: 2, iterations: 20}
checks:
  usage: [uses]
"""
ENVIRONMENT = """\
environment: mine
services: {{meter: {{url: "http://127.0.0.1:{port}", health: none}}}}
databases: {{main: "sqlite:///{folder}/uses.db"}}
headers: {{X-Tenant: "{{{{ tenant }}}}"}}
tenant: acme
load: {{allowed: true}}
"""
# What the extras add, and what those import.
EXTRAS = (
    "pandas", "pyarrow", "scipy", "xlsxwriter", "vl_convert", "psycopg", "pymysql",
    "jsonschema_rs", "fastapi", "starlette", "uvicorn", "alembic", "tenacity", "cachetools",
    "limits",
)  # fmt: skip
# Of ours, of Locust's, of the standard library: each ends a program that imports it.
OURS = ("config", "checks", "scenarios", "reports", "commands", "witnesses", "run")
OTHERS = ("locust", "gevent", "secrets", "trial_balance")
FILES = ("--env", "mine.yaml", "--scenario", "uses.yaml")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Start a service of a user; its folder has packages and settings that must not matter."""
    folder = tmp_path / "my project"
    folder.mkdir()
    (folder / "locust.conf").write_text("run-time = 1s\nusers = 3\n")
    meter = [sys.executable, str(Path(__file__).with_name("meter.py"))]
    with subprocess.Popen(meter, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        (folder / "mine.yaml").write_text(ENVIRONMENT.format(port=port, folder=folder))
        (folder / "uses.yaml").write_text(SCENARIO)
        yield folder
        process.terminate()


def _add_packages(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit('{name} of the user')")


@pytest.mark.parametrize("job", ["nightly", "load --workers 2"])
def test_a_job_of_a_user_passes_among_packages_of_the_same_names(
    installation: Installation, project: Path, job: str
) -> None:
    _add_packages(project, *OURS, *OTHERS)
    ended = installation.run(project, *job.split(), *FILES, "--json")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    result = json.loads(ended.stdout)
    assert result["repeat"] == f"trial-balance {job} --env mine.yaml --scenario uses.yaml --json"
    assert (
        result["versions"]["trial-balance"] == installation.run(project, "--version").stdout[14:-1]
    )


def test_packages_on_the_path_of_python_do_not_replace_those_of_the_program(
    installation: Installation, project: Path
) -> None:
    _add_packages(project, *OURS)
    ended = installation.run(project, "load", *FILES, PYTHONPATH=str(project))
    assert ended.returncode == 0, ended.stderr + ended.stdout


def test_without_extras_a_job_passes_and_what_needs_one_names_it(
    installation: Installation, project: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    hide = f"import sys\nsys.modules.update(dict.fromkeys({EXTRAS}))\n"
    (site / "sitecustomize.py").write_text(hide)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return installation.run(project, *arguments, PYTHONPATH=str(site))

    ended = run("nightly", *FILES)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    page = (project / "runs" / "latest" / "report.html").read_text()
    assert "pip install &#39;trial-balance[charts]&#39;" in page
    assert run("export").stderr.endswith("; run pip install 'trial-balance[export]'\n")
    assert run("trends").returncode == 0
    refused = run("e2e", "--env", "local", "--scenario", "usage_tracking")
    assert refused.returncode == 2
    assert refused.stderr.endswith("; run pip install 'trial-balance[reference]'\n")
    scenario = project / "uses.yaml"
    scenario.write_text(SCENARIO.replace("status: 201", "status: 201, schema: {type: object}"))
    refused = run("validate", *FILES)
    assert refused.returncode == 2
    assert refused.stderr.startswith("uses.yaml:11: ")
    assert refused.stderr.endswith("; run pip install 'trial-balance[schema]'\n")
    scenario.write_text(SCENARIO)
    environment = project / "mine.yaml"
    environment.write_text(environment.read_text().replace("sqlite:///", "postgresql://"))
    sentence = "psycopg is not installed; run pip install 'trial-balance[postgresql]'"
    for command in (["e2e", *FILES], ["validate", *FILES], ["doctor", "--env", "mine.yaml"]):
        refused = run(*command)
        assert sentence in refused.stdout + refused.stderr
        assert refused.returncode in (2, 3)


def test_hints_and_the_repeated_command_work_where_they_are_printed(
    installation: Installation, project: Path
) -> None:
    ended = installation.run(project, "e2e", *FILES, "--runs", "my runs")
    assert ended.returncode == 0, ended.stderr + ended.stdout
    again = re.search(r"again +(.*)", ended.stdout)
    assert again
    assert again[1] == "trial-balance e2e --env mine.yaml --scenario uses.yaml --runs 'my runs'"
    (project / "my runs" / "latest" / "result.json").unlink()
    refused = installation.run(project, "report", "--runs", "my runs")
    assert refused.returncode == 2
    hint = re.search(r"run: (.*)", refused.stderr)
    assert hint
    name, *arguments = shlex.split(hint[1])
    assert name == "trial-balance"
    assert installation.run(project, *arguments).returncode == 0


def test_a_command_that_is_not_on_the_path_is_repeated_by_its_path(
    installation: Installation, project: Path
) -> None:
    ended = called([installation.command, "e2e", *FILES, "--json"], project)
    assert json.loads(ended.stdout)["repeat"].startswith(f"{installation.command} e2e ")
    python = installation.venv / "bin" / "python"
    ended = called([python, "-m", "trial_balance", "e2e", *FILES, "--json"], project)
    assert json.loads(ended.stdout)["repeat"].startswith(f"{python} -m trial_balance e2e ")


def test_in_a_project_the_command_alone_is_its_nightly_and_checks_need_no_options(
    installation: Installation, project: Path
) -> None:
    refused = installation.run(project)
    assert refused.returncode == 2
    assert "no environment is named: add --env" in refused.stderr
    (project / "trial-balance.yaml").write_text("environment: mine\nscenario: uses\n")
    for folder, name in (("scenarios", "uses.yaml"), ("environments", "mine.yaml")):
        (project / folder).mkdir()
        (project / name).rename(project / folder / name)
    below = project / "below"
    below.mkdir()
    ended = installation.run(below)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    assert (project / "runs" / "latest" / "report.html").is_file()
    valid = installation.run(below, "validate").stdout
    assert valid == "valid: ../scenarios/uses.yaml\nvalid: ../environments/mine.yaml\n"
    checked = installation.run(below, "doctor")
    assert checked.returncode == 0
    assert "uses counter" in checked.stdout
