import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from checks.history import machine
from checks.history.machine import machine_here
from tests.paths import ROOT

PRINT = "from checks.history.machine import machine_here; print(machine_here())"


def test_another_process_on_this_machine_has_the_same_fingerprint() -> None:
    other = subprocess.run(
        [sys.executable, "-c", PRINT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == machine_here()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_only_the_cores_that_this_process_may_use_are_counted() -> None:
    core = min(os.sched_getaffinity(0))
    program = f"import os; os.sched_setaffinity(0, [{core}]); {PRINT}"
    pinned = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert pinned.stdout.split(", ")[:2] == [platform.machine(), "1 core"]


def test_without_facts_on_the_processor_the_rest_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_CPU_FACTS", tmp_path / "missing")
    assert machine_here().startswith(f"{platform.machine()}, ")
