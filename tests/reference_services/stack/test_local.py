"""Tests of the local stack as a context manager."""

import signal
from pathlib import Path

import httpx
import psutil
import pytest

from reference_services.stack.local import VARIABLES, local_stack
from reference_services.stack.processes import LostProcess
from tests.reference_services.processes import is_alive
from tests.reference_services.waiting import wait_until


@pytest.mark.core
@pytest.mark.long
@pytest.mark.stack
def test_a_normal_stack_reports_every_address_and_has_no_proxy(tmp_path: Path) -> None:
    with local_stack(tmp_path) as variables:
        assert set(variables) == set(VARIABLES)
        for name in ("CARDS", "ONBOARDING", "WORKFLOW"):
            assert variables[f"{name}_METRICS"] == f"{variables[f'{name}_URL']}/metrics"
            service = psutil.Process(int(variables[f"{name}_PID"]))
            listening = {each.laddr.port for each in service.net_connections("tcp")}
            assert httpx.URL(variables[f"{name}_URL"]).port in listening
    assert not list(tmp_path.glob("*proxy*"))


def processes_by_name() -> dict[str, psutil.Process]:
    """Return the supervisor and Prometheus of the stack that this process started."""
    (supervisor,) = [
        each
        for each in psutil.Process().children()
        if any("supervisor" in w for w in each.cmdline())
    ]
    prometheus = next(each for each in supervisor.children() if each.name() == "prometheus")
    return {"supervisor": supervisor, "prometheus": prometheus}


def status_of(process: psutil.Process) -> str:
    """Return the status of a process; that of a zombie, if it is reaped already."""
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return psutil.STATUS_ZOMBIE


@pytest.mark.long
@pytest.mark.stack
@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        ("prometheus", signal.SIGKILL, -signal.SIGKILL),
        ("prometheus", signal.SIGTERM, 0),
        ("prometheus", signal.SIGSTOP, None),
        ("supervisor", signal.SIGKILL, -signal.SIGKILL),
        ("supervisor", signal.SIGTERM, 0),
        ("supervisor", signal.SIGINT, 0),
        ("supervisor", signal.SIGSTOP, None),
    ],
)
def test_a_process_that_did_not_last_is_reported_with_its_code(
    tmp_path: Path, name: str, number: signal.Signals, code: int | None
) -> None:
    lost: list[LostProcess] = []
    with local_stack(tmp_path, on_lost=lost.append):
        target = processes_by_name()[name]
        supervisor = processes_by_name()["supervisor"]
        started = [supervisor, *supervisor.children(recursive=True)]
        target.send_signal(number)
        # not target.wait(), which would take the exit code of our own child
        wait_until(lambda: status_of(target) in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED))
    assert lost == [LostProcess(name, code)]
    wait_until(lambda: not any(map(is_alive, started)))


@pytest.mark.long
@pytest.mark.stack
def test_a_process_that_a_fault_ends_is_not_reported(tmp_path: Path) -> None:
    lost: list[LostProcess] = []
    with local_stack(tmp_path, "visible-restart", lost.append) as variables:
        cards = psutil.Process(int(variables["CARDS_PID"]))
        cards.terminate()
        psutil.wait_procs([cards], timeout=60)
    assert lost == []
