"""Context manager that runs a local stack in a supervised child process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reference_services.stack.processes import ROOT, StackError
from reference_services.stack.topology import SERVICES

# METRICS holds the /metrics URL of every replica, separated by spaces.
_PER_SERVICE = ("URL", "METRICS", "DATABASE_URL", "PID")
VARIABLES = (
    *(f"{name.upper()}_{what}" for name in SERVICES for what in _PER_SERVICE),
    "PROMETHEUS_URL",
)

_STOP_S = 3.0
_ENDED = "the supervisor of the stack ended while starting it; see its output"


@contextmanager
def local_stack(folder: Path, fault: str | None = None) -> Iterator[dict[str, str]]:
    """Run the three services and Prometheus within the block; yield the values of `VARIABLES`.

    Databases and logs stay in the folder. Raises StackError when the stack does not start.
    """
    command = [sys.executable, "-m", "reference_services.stack.supervisor", str(folder.resolve())]
    supervisor = subprocess.Popen(
        [*command, fault] if fault else command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        yield _read_addresses(supervisor)
    finally:
        _stop(supervisor)


def _read_addresses(supervisor: subprocess.Popen[bytes]) -> dict[str, str]:
    line = supervisor.stdout.readline() if supervisor.stdout else b""
    variables: dict[str, str] = json.loads(line) if line else {"error": _ENDED}
    if "error" in variables:
        raise StackError(variables["error"])
    return variables


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    if supervisor.stdin:
        supervisor.stdin.close()
    try:
        supervisor.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        supervisor.terminate()
        supervisor.wait()
    if supervisor.stdout:
        supervisor.stdout.close()
