"""Commands against hostile systems, as processes: bounded in memory, without a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scenarios.evidence.exchange import Outcome
from tests.hostile.case import Case
from tests.hostile.cases import BY_NAME, slug
from tests.hostile.json_bodies import JSON
from tests.hostile.odd import ODD
from tests.hostile.pages import PAGES
from tests.hostile.sentences import is_one_sentence
from tests.hostile.server import HostileServer, serving
from tests.integration.command import recordings_of
from tests.paths import ROOT

MAX_MEMORY_MB = 300
FAIL, INCONCLUSIVE = 1, 3

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_NAMES = (
    "a bomb in gzip, gzip", "a body without end", "small chunks with large extensions",
    "trailers without end", "103 Early Hints without end", "a body that drips",
    "JSON: three million lists", "JSON: lists 900 deep", "JSON: four million numbers",
)  # fmt: skip
CASES = [BY_NAME[name] for name in _NAMES]
_ENVIRONMENT = """\
environment: hostile
services: {{shop: {{url: "{url}", metrics: {metrics}}}}}
tenant: acme
load: {{allowed: true}}
{more}"""
_SCENARIO = """\
scenario: hostile
flow:
  - {{step: ask, request: GET shop {path}, timeout: 2s, expect: {{json: {{a: 1}}}}, save: {{b: b}}}}
profiles:
  e2e: {{users: 1, iterations: 1}}
  many: {{users: 4, iterations: 40, max_duration: 5s}}
checks: {{success_rate: 100%}}
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, output, and largest memory in MB."""

    code: int
    text: str
    memory_mb: float


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with serving() as running:
        yield running


def _run(folder: Path, *arguments: str) -> Ended:
    """Run a command whose memory is not that of the test: a fork would begin with it."""
    output = folder / "output"
    starter = (
        "import os, sys\n"
        "command = [sys.executable, *sys.argv[1:]]\n"
        "pid = os.spawnv(os.P_NOWAIT, command[0], command)\n"
        "_, status, usage = os.wait4(pid, 0)\n"
        "print('\\n', os.waitstatus_to_exitcode(status), usage.ru_maxrss // 1024)"
    )
    with output.open("wb") as file:
        subprocess.run(
            [sys.executable, "-c", starter, str(ROOT / "run.py"), *arguments],
            stdout=file, stderr=file, cwd=folder, check=True,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": "400"},
        )  # fmt: skip
    text, _, last = output.read_text(errors="replace").rstrip().rpartition("\n")
    code, memory_mb = map(int, last.split())
    return Ended(code, text, memory_mb)


def _files(folder: Path, url: str, path: str, more: str = "", metrics: str = "none") -> list[str]:
    environment, scenario = folder / "e.yaml", folder / "s.yaml"
    environment.write_text(_ENVIRONMENT.format(url=url, more=more, metrics=metrics))
    scenario.write_text(_SCENARIO.format(path=path))
    return ["--env", str(environment), "--scenario", str(scenario)]


def _assert_bounded(ended: Ended) -> None:
    assert "Traceback" not in ended.text, ended.text
    assert "recursion" not in ended.text, ended.text
    assert ended.memory_mb <= MAX_MEMORY_MB, ended.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_e2e_fails_with_the_reason(server: HostileServer, case: Case, tmp_path: Path) -> None:
    files = _files(tmp_path, server.address, f"/{slug(case)}/x")
    ended = _run(tmp_path, "e2e", *files, "--runs", str(tmp_path / "runs"))
    _assert_bounded(ended)
    assert ended.code == FAIL, ended.text


@pytest.mark.parametrize("case", CASES[:7:3], ids=lambda case: case.name)
def test_a_load_fails_within_its_memory(server: HostileServer, case: Case, tmp_path: Path) -> None:
    files = _files(tmp_path, server.address, f"/{slug(case)}/x")
    ended = _run(tmp_path, "load", *files, "--profile", "many", "--runs", str(tmp_path / "runs"))
    _assert_bounded(ended)
    assert ended.code == FAIL, ended.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_doctor_is_bounded(server: HostileServer, case: Case, tmp_path: Path) -> None:
    url = server.url(case)
    more = f'prometheus: {{url: "{url}", timeout: 2s}}\n'
    files = _files(tmp_path, url, "/x", more, metrics=f'"{url}/metrics"')
    ended = _run(tmp_path, "doctor", *files[:2])
    _assert_bounded(ended)
    assert ended.code in (FAIL, INCONCLUSIVE), ended.text


@pytest.mark.parametrize("case", [*PAGES, *JSON[8:12]], ids=lambda case: case.name)
def test_the_doctor_is_bounded_by_pages(server: HostileServer, case: Case, tmp_path: Path) -> None:
    more = f'prometheus: {{url: "{server.url(case)}", timeout: 2s}}\n'
    files = _files(tmp_path, server.address, "/x", more, metrics=f'"{server.url(case)}/m"')
    ended = _run(tmp_path, "doctor", *files[:2])
    _assert_bounded(ended)
    assert ended.code in (FAIL, INCONCLUSIVE), ended.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_watch_is_bounded(server: HostileServer, case: Case, tmp_path: Path) -> None:
    files = _files(tmp_path, server.url(case), "/x")
    ended = _run(tmp_path, "watch", *files, "--once", "--runs", str(tmp_path / "runs"))
    _assert_bounded(ended)
    assert ended.code in (FAIL, INCONCLUSIVE), ended.text


_CORPUS = """\
scenario: corpus
flow:
  - step: ask
    request: GET shop /case-{{ iteration }}/x
    timeout: 2s
    expect: {json: {a: 1, b: 2}}
profiles:
  # the server closes each connection, which a request should not meet
  all: {users: USERS, iterations: ITERATIONS, think: 20ms, abort: {success_rate: 0%}}
checks: {success_rate: 100%}
"""


@pytest.mark.parametrize(("command", "users"), [("e2e", "1"), ("load", "4")])
def test_every_case_has_its_outcome_in_a_run_that_is_judged_and_rendered_again(
    server: HostileServer, tmp_path: Path, command: str, users: str
) -> None:
    files = _files(tmp_path, server.address, "")
    (tmp_path / "s.yaml").write_text(
        _CORPUS.replace("ITERATIONS", str(len(BY_NAME))).replace("USERS", users)
    )
    runs = ["--runs", str(tmp_path / "runs")]
    ended = _run(tmp_path, command, *files, "--profile", "all", *runs)
    _assert_bounded(ended)
    assert ended.code == FAIL, ended.text
    for again in ("check", "report"):
        repeated = _run(tmp_path, again, "latest", *runs)
        _assert_bounded(repeated)
        assert repeated.code == FAIL, repeated.text
    (recording,) = recordings_of((tmp_path / "runs" / "latest").resolve(), "all")
    exchanges = list(recording.exchanges)
    assert sorted(each.iteration for each in exchanges) == list(range(1, len(BY_NAME) + 1))
    assert all(each.outcome is Outcome.OK or is_one_sentence(each.reason) for each in exchanges)
    well = {list(BY_NAME)[each.iteration - 1] for each in exchanges if each.outcome is Outcome.OK}
    assert well <= {case.name for case in ODD}


@pytest.mark.parametrize("command", ["doctor", "watch"])
@pytest.mark.parametrize("first", range(0, len(BY_NAME), 100))
def test_a_hundred_cases_are_the_services_of_one_environment(
    server: HostileServer, tmp_path: Path, command: str, first: int
) -> None:
    files = _files(tmp_path, server.address, "/x")
    cases = list(BY_NAME.values())[first : first + 100]
    urls = {"shop": server.address, **{slug(case): server.url(case) for case in cases}}
    services = "".join(f'  {name}: {{url: "{url}"}}\n' for name, url in urls.items())
    text = f"environment: hostile\nservices:\n{services}tenant: acme\n"
    (tmp_path / "e.yaml").write_text(text)
    more = ["--once", "--runs", str(tmp_path / "runs")] if command == "watch" else []
    ended = _run(tmp_path, command, *files[: 4 if more else 2], *more)
    _assert_bounded(ended)
    assert ended.code in (FAIL, INCONCLUSIVE), ended.text
    assert more or all(slug(case) in ended.text for case in cases), ended.text
