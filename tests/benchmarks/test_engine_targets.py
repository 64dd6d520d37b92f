import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from benchmarks.engine_targets import COMPLETED, nginx, parse_request_count, tree_cpu_s
from tests.benchmarks.nginx_marker import needs_nginx

_STATUS = (
    "Active connections: 11 \n"
    "server accepts handled requests\n"
    " 14 14 98765 \n"
    "Reading: 0 Writing: 1 Waiting: 10 \n"
)


def test_the_request_count_is_the_third_number_of_stub_status() -> None:
    assert parse_request_count(_STATUS) == 98_765


def test_a_text_without_a_request_count_is_refused() -> None:
    with pytest.raises(ValueError, match="no stub_status"):
        parse_request_count("<html>404</html>")


def test_the_cpu_time_of_reaped_children_is_included() -> None:
    # The kernel counts user and system time in ticks of 10 ms.
    burn = "import time\nwhile time.process_time() < 0.35: pass"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]);"
        "print('reaped', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", parent]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert tree_cpu_s(process.pid) >= 0.3


@needs_nginx
def test_requests_to_stub_status_are_not_counted(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        before = target.served()
        assert target.served() == before
        for _ in range(3):
            urlopen(target.url).close()
        assert target.served() == before + 3


@needs_nginx
def test_each_step_gets_its_constant_response(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        sessions = f"{target.url}/api/v1/onboarding/sessions"
        with urlopen(sessions, data=b"{}") as response:
            assert response.status == 201
        with urlopen(f"{sessions}/abc/answers", data=b"{}") as response:
            assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
            assert response.read().decode().count(COMPLETED["card_ids"][0]) == 1
