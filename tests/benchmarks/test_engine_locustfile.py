import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.engine_recordings import ROOT
from benchmarks.engine_targets import nginx
from tests.benchmarks.nginx_marker import needs_nginx
from tests.patience import HANGS_S

TWICE_THE_FLOW = 6  # requests
_LOCUST = [sys.executable, "-m", "locust", "-f", str(ROOT / "benchmarks" / "engine_locustfile.py")]


@pytest.mark.core
@pytest.mark.long
@needs_nginx
@pytest.mark.parametrize("user", ["PlainUser", "FastUser"])
def test_the_flow_passes_against_the_constant_responses(tmp_path: Path, user: str) -> None:
    with nginx(tmp_path) as target:
        command = [*_LOCUST, "--headless", "--users", "1", "--only-summary",
                   "--host", target.url, user]  # fmt: skip
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as locust:
            while target.served() < TWICE_THE_FLOW and locust.poll() is None:
                time.sleep(0.05)
            locust.terminate()
            output, _ = locust.communicate(timeout=HANGS_S)
    # Locust exits with 1 if a request failed; a failed first step would keep the others away.
    assert locust.returncode == 0, output
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
        command = [*_LOCUST, "--headless", "--users", "1", "--run-time", "2s", "--only-summary",
                   "--host", target.url, "FastUser"]  # fmt: skip
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=HANGS_S, check=False
        )
    assert ended.returncode == 1
    assert "not completed" in ended.stderr + ended.stdout
