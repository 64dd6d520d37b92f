"""Context manager that runs a local stack in a supervised child process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from select import select

from reference_services.common.parent_death import die_with_parent
from reference_services.stack.processes import ROOT, LostProcess, StackError, find_lost
from reference_services.stack.prometheus import drop_samples
from reference_services.stack.topology import SERVICES

# METRICS holds the /metrics URL of every replica, separated by spaces.
_PER_SERVICE = ("URL", "METRICS", "DATABASE_URL", "PID")
VARIABLES = (
    *(f"{name.upper()}_{what}" for name in SERVICES for what in _PER_SERVICE),
    "PROMETHEUS_URL",
)

SUPERVISOR = "supervisor"

OnLost = Callable[[LostProcess], None]  # called for each process that ended before the stack did

_START_S = 600.0  # the supervisor itself gives up earlier, and reports why
_STOP_S = 15.0
_ENDED = "the supervisor of the stack ended while starting it; see its output"
_SILENT = f"the supervisor of the stack has reported nothing for {_START_S:g} s: suspended?"


@contextmanager
def local_stack(
    folder: Path, fault: str | None = None, on_lost: OnLost = lambda _: None
) -> Iterator[dict[str, str]]:
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
        preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - takes no lock
    )
    has_started = False
    try:
        addresses = _read_addresses(supervisor)
        has_started = True
        yield addresses
    finally:
        lost = _stop(supervisor)
        for process in lost if has_started else ():
            on_lost(process)
        drop_samples(folder)


def _read_addresses(supervisor: subprocess.Popen[bytes]) -> dict[str, str]:
    output = supervisor.stdout
    if output is None or not select([output], [], [], _START_S)[0]:
        raise StackError(_SILENT)
    line = output.readline()
    variables: dict[str, str] = json.loads(line) if line else {"error": _ENDED}
    if "error" in variables:
        raise StackError(variables["error"])
    return variables


def _stop(supervisor: subprocess.Popen[bytes]) -> list[LostProcess]:
    """End the stack; return the processes that had ended or were suspended before."""
    suspended = find_lost(SUPERVISOR, supervisor)
    output = b""
    try:
        # Closes its input. Its last words are short, so that they wait in the pipe.
        output = supervisor.communicate(timeout=_STOP_S)[0] or b""
    except subprocess.TimeoutExpired:
        supervisor.kill()  # and the kernel kills the stack
        supervisor.communicate()
    if suspended:
        return [suspended]
    reports = [json.loads(line) for line in output.splitlines()]
    if not any("lost" in report for report in reports):
        return [LostProcess(SUPERVISOR, supervisor.returncode)]
    return [LostProcess(**each) for report in reports for each in report.get("lost", ())]
