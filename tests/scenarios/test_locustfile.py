"""The locustfile under plain Locust, as a user starts it without run.py."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.evidence.recording_reader import read_recordings
from tests.paths import ROOT
from tests.tiny_server import Canned, serving

SCENARIO = """\
scenario: shop
flow:
  - {step: order, request: GET shop /orders}
profiles: {few: {users: 2, iterations: 5}}
checks: {latency: [{p95: 5s}]}
"""


def locust(
    folder: Path, url: str, *options: str, scenario: str = SCENARIO, run_time: str = "3s"
) -> subprocess.CompletedProcess[str]:
    (folder / "s.yaml").write_text(scenario)
    (folder / "e.yaml").write_text(
        f"environment: here\nservices: {{shop: {{url: '{url}'}}}}\nload: {{allowed: true}}\n"
    )
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(ROOT / "scenarios" / "locustfile.py"),
         "--headless", "--only-summary", "--scenario", str(folder / "s.yaml"),
         "--environment", str(folder / "e.yaml"), "-u", "2", "-t", run_time, *options],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def recorded(ended: subprocess.CompletedProcess[str]) -> Path:
    """Return the folder of the run that was recorded."""
    (path,) = re.findall(r": recording to (.+)$", ended.stderr, re.MULTILINE)
    return Path(path)


def loaded(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run Locust until it has sent five requests; return how it ended, and what was asked."""
    for run_time in ("3s", "20s", "60s"):  # a busy machine may not begin within the first
        # some twenty requests per second and user, since each takes CPU time of a busy machine
        with serving({"/orders": Canned("{}", delay_s=0.05)}) as server:
            ended = locust(folder, server.url, *options, run_time=run_time)
        if len(server.asked) >= 5:
            break
    return ended, server.asked


@pytest.mark.core
@pytest.mark.long
def test_the_iterations_of_a_profile_are_sent_once_and_recorded(tmp_path: Path) -> None:
    ended, asked = loaded(tmp_path, "--profile", "few")
    assert ended.returncode == 0, ended.stderr
    assert asked == ["/orders"] * 5
    folder = recorded(ended)
    assert folder.parent == tmp_path / "runs"
    (recording,) = read_recordings(folder / "evidence" / "exchanges", "locust")
    assert recording.exchanges.ok.tolist() == [True] * 5


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("profile", [["--profile", "few"], []])
def test_a_load_of_plain_locust_says_how_it_is_judged_and_can_be(
    tmp_path: Path, profile: list[str]
) -> None:
    ended, _ = loaded(tmp_path, *profile)
    hint = re.search(r"To judge this load and write its report: (.*)", ended.stderr)
    assert hint
    words = shlex.split(hint[1])
    assert words[1:] == [str(ROOT / "run.py"), "check", str(recorded(ended))]
    judged = subprocess.run(
        [*words, "--json"], capture_output=True, text=True, check=False, timeout=120
    )
    result = json.loads(judged.stdout)
    verdicts = {each["id"]: each["verdict"] for each in result["findings"]}
    assert "latency/order/p95" in verdicts
    assert not any(each.startswith("health/") for each in verdicts)
    assert result["environment"] == "here"
    assert (recorded(ended) / "report.html").is_file()


@pytest.mark.core
@pytest.mark.long
def test_a_mistake_ends_locust_with_code_2_before_any_request(tmp_path: Path) -> None:
    with serving({"/orders": Canned("{}")}) as server:
        ended = locust(tmp_path, server.url, "--profile", "fwe")
        assert ended.returncode == 2
        assert "s.yaml: no profile is named 'fwe'; did you mean few?" in ended.stderr
        ended = locust(tmp_path, server.url, scenario=SCENARIO.replace("GET", "FETCH"))
        assert ended.returncode == 2
        assert "s.yaml:3: " in ended.stderr
    assert server.asked == []
