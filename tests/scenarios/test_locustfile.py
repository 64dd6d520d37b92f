"""The locustfile under plain Locust, as a user starts it without run.py."""

import shutil
import subprocess
import sys
from pathlib import Path

from scenarios.evidence.recording_reader import read_recordings
from tests.paths import ROOT
from tests.tiny_server import Says, serving

SCENARIO = """\
scenario: shop
flow:
  - {step: order, request: GET shop /orders}
profiles: {few: {users: 2, iterations: 5}}
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


def test_the_iterations_of_a_profile_are_sent_once_and_recorded(tmp_path: Path) -> None:
    for run_time in ("3s", "20s", "60s"):  # a busy machine may not begin within the first
        with serving({"/orders": Says("{}")}) as server:
            ended = locust(tmp_path, server.url, "--profile", "few", run_time=run_time)
        if len(server.asked) >= 5:
            break
    assert ended.returncode == 0, ended.stderr
    assert server.asked == ["/orders"] * 5
    (line,) = (line for line in ended.stderr.splitlines() if line.startswith("recording to "))
    exchanges = Path(line.removeprefix("recording to "))
    (recording,) = read_recordings(exchanges, "locust")
    shutil.rmtree(exchanges)
    assert recording.exchanges.ok.tolist() == [True] * 5


def test_a_mistake_ends_locust_with_code_2_before_any_request(tmp_path: Path) -> None:
    with serving({"/orders": Says("{}")}) as server:
        ended = locust(tmp_path, server.url, "--profile", "fwe")
        assert ended.returncode == 2
        assert "s.yaml: no profile is named 'fwe'; did you mean few?" in ended.stderr
        ended = locust(tmp_path, server.url, scenario=SCENARIO.replace("GET", "FETCH"))
        assert ended.returncode == 2
        assert "s.yaml:3: " in ended.stderr
    assert server.asked == []
