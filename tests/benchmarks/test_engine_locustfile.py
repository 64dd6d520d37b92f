import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from benchmarks.engine_recordings import ROOT
from benchmarks.engine_targets import Nginx, nginx
from tests.benchmarks.nginx_marker import needs_nginx
from tests.patience import HANGS_S

TWICE_THE_FLOW = 6  # requests
_POLL_S = 0.05
_LOCUST = [sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks" / "engine_locustfile.py")]


@pytest.mark.core
@pytest.mark.long
@needs_nginx
@pytest.mark.parametrize("user", ["PlainUser", "FastUser"])
def test_the_flow_passes_against_the_constant_responses(tmp_path: Path, user: str) -> None:
    with nginx(tmp_path) as target:
        code, output = _drive(target, user)
    # Locust exits with 1 if a request failed; a failed first step would keep the others away.
    assert code == 0, output
    assert all(step in output for step in ("create", "submit", "execute"))


@pytest.mark.core
@pytest.mark.long
@needs_nginx
def test_a_response_that_is_not_completed_fails_the_step(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        configuration = tmp_path / "nginx.conf"
        text = configuration.read_text()
        assert text.count('"partial_result": false') == 1
        configuration.write_text(text.replace('"partial_result": false', '"partial_result": true'))
        subprocess.run(["kill", "-HUP", str(target.process_id)], check=True)
        while not _executed(target)["partial_result"]:
            time.sleep(_POLL_S)
        code, output = _drive(target, "FastUser")
    assert code == 1
    assert "not completed" in output


def _drive(target: Nginx, user: str) -> tuple[int, str]:
    """Drive the flow twice, however long that takes; return the exit code and the output."""
    command = [*_LOCUST, "--headless", "--users", "1", "--only-summary", "--host", target.url, user]
    enough = target.served() + TWICE_THE_FLOW
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as locust:
        while target.served() < enough and locust.poll() is None:
            time.sleep(_POLL_S)
        locust.terminate()
        output, _ = locust.communicate(timeout=HANGS_S)
    return locust.returncode, output


def _executed(target: Nginx) -> dict[str, Any]:
    with urlopen(f"{target.url}/api/v1/workflows/execute", timeout=HANGS_S) as response:
        executed: dict[str, Any] = json.load(response)
    return executed
