"""How does one get a local stack? As a context: up inside it, gone after it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reference_services.stack.processes import ROOT, StackError
from reference_services.stack.topology import SERVICES

# METRICS names the metrics of every replica, separated by a space.
_OF_EACH = ("URL", "METRICS", "DATABASE_URL", "PID")
VARIABLES = (
    *(f"{name.upper()}_{what}" for name in SERVICES for what in _OF_EACH),
    "PROMETHEUS_URL",
)

_STOP_S = 3.0


@contextmanager
def local_stack(folder: Path, fault: str | None = None) -> Iterator[dict[str, str]]:
    """Start the three services and Prometheus; yield the variables of their addresses.

    Databases and logs stay in the folder. Raises StackError.
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
        yield _addresses(supervisor)
    finally:
        _stop(supervisor)


def _addresses(supervisor: subprocess.Popen[bytes]) -> dict[str, str]:
    line = supervisor.stdout.readline() if supervisor.stdout else b""
    variables: dict[str, str] = json.loads(line) if line else {"error": "the stack broke off"}
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
