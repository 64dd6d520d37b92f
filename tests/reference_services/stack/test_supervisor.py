"""Tests that the supervisor stops the whole stack, whatever ends first."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from reference_services.faults.deployment import DEPLOYMENTS
from tests.paths import ROOT
from tests.reference_services.processes import is_alive
from tests.reference_services.waiting import wait_until

RUN_IN_BACKGROUND = """
import json, signal, sys
from pathlib import Path
from reference_services.stack.local import local_stack
with local_stack(Path(sys.argv[1]), sys.argv[2]) as variables:
    print(json.dumps(variables), flush=True)
    signal.pause()
"""


Started = list[psutil.Process]


def _suspend_and_kill(parent: subprocess.Popen[bytes], suspended: Started) -> None:
    for each in suspended:
        each.suspend()
    parent.kill()


ENDS: dict[str, Callable[[subprocess.Popen[bytes], Started], object]] = {
    "leave": lambda parent, _: parent.send_signal(signal.SIGINT),
    "kill the parent": lambda parent, _: parent.kill(),
    "kill the supervisor": lambda _, started: started[0].kill(),
    "suspend the supervisor and kill the parent": lambda parent, started: _suspend_and_kill(
        parent, started[:1]
    ),
    "suspend everything and kill the parent": _suspend_and_kill,
    "end the supervisor": lambda _, started: os.kill(started[0].pid, signal.SIGTERM),
}


@pytest.mark.long
@pytest.mark.stack
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        *((fault, "kill the parent") for fault in DEPLOYMENTS),
        ("workers-apart", "leave"),
        ("workers-apart", "kill the supervisor"),
        ("workers-apart", "suspend the supervisor and kill the parent"),
        # not workers-apart: multiprocessing starts a helper of its own, which is no child of ours
        ("visible-restart", "suspend everything and kill the parent"),
        ("visible-restart", "end the supervisor"),
    ],
)
def test_no_process_of_the_stack_survives_any_kind_of_end(
    tmp_path: Path, fault: str, end: str
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", RUN_IN_BACKGROUND, str(tmp_path), fault],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout
        variables = json.loads(parent.stdout.readline())
        started = psutil.Process(parent.pid).children(recursive=True)
        assert len(started) >= 5
        ENDS[end](parent, started)
        wait_until(lambda: not any(map(is_alive, started)))
        parent.kill()
    for name in ("CARDS", "ONBOARDING", "WORKFLOW", "PROMETHEUS"):
        with pytest.raises(ConnectionRefusedError):
            url = httpx.URL(variables[f"{name}_URL"])
            socket.create_connection((url.host, url.port or 0), 1)
