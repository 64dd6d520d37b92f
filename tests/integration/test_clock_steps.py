"""Set the wall clock of the harness during a run, and that of its Prometheus.

A Prometheus on another machine keeps its own clock; one on the same machine is set with it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.integration.command import concluded, recordings_of
from tests.integration.load_shop import OpenShop, Shop
from tests.paths import ROOT
from tests.witnesses.prometheus.fake_prometheus import FakePrometheus, scraping

_SOURCE = Path(__file__).with_name("wall_clock.c")
_COMPILER = shutil.which("cc")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        _COMPILER is None or sys.platform != "linux", reason="needs Linux and a C compiler"
    ),
]

_STEPS_S = (-5.0, 5.0, -3600.0, 3600.0)
_PROFILE = "{users: 3, iterations: 60}"
_TIMEOUT_S = 150.0


@dataclass
class ClockedRun:
    """One run under a wall clock that can be set, beside a Prometheus that counts the orders."""

    shop: Shop
    prometheus: FakePrometheus
    folder: Path
    counted: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    queries: int = 0

    def start(self) -> subprocess.Popen[bytes]:
        options = self.shop.files(_PROFILE)
        self._count_by_prometheus()
        self._offset.write_text("0")
        library = self.folder / "wall_clock.so"
        command = [str(_COMPILER), "-shared", "-fPIC", "-o", str(library), str(_SOURCE)]
        subprocess.run(command, check=True, timeout=60)
        variables = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(self._offset)}
        variables["PYTHONUTF8"] = "1"
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "run.py", "load", *options, "--runs", f"{self.folder}/runs"],
                cwd=ROOT, env={**os.environ, **variables}, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def set_clock(self, step_s: float, *, of_prometheus: bool) -> None:
        new = self._offset.with_suffix(".new")
        new.write_text(f"{step_s:.0f}")
        new.replace(self._offset)
        if of_prometheus:
            self.prometheus.set_clock(step_s)

    def has_shown(self, line: str) -> bool:
        """Return whether a line of the progress has been printed."""
        return re.search(line, self._log.read_text(errors="replace"), re.MULTILINE) is not None

    def exchanges(self) -> int:
        return concluded(self.folder / "runs" / "latest", "load")

    def count_orders(self) -> None:
        self.counted.append((time.time(), float(self.shop.orders())))

    def uses_until(self, at: float) -> float:
        return self.counted[bisect_right(self.counted, (at, float("inf"))) - 1][1]

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def latest(self) -> Path:
        return (self.folder / "runs" / "latest").resolve()

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    @property
    def _offset(self) -> Path:
        return self.folder / "offset"

    def _count_by_prometheus(self) -> None:
        """Have the quantity counted by Prometheus, too."""
        environment, scenario = self.folder / "shop.yaml", self.folder / "orders.yaml"
        text = environment.read_text().replace('"}\ndatabases', '", metrics: none}\ndatabases')
        environment.write_text(f'{text}\nprometheus: {{url: "{self.prometheus.url}"}}\n')
        text = scenario.read_text()
        scenario.write_text(
            text.replace("  orders:\n", "  orders:\n    prometheus: uses_total\n", 1)
        )


@pytest.fixture
def clocked(open_shop: OpenShop, tmp_path: Path) -> Iterator[ClockedRun]:
    prometheus = FakePrometheus(lambda _: 0.0, began_at=time.time() - 4_000)
    with scraping(prometheus):
        run = ClockedRun(open_shop("--delay", "0.03"), prometheus, tmp_path)
        prometheus.counter = run.uses_until
        with _repeatedly(run.count_orders):
            yield run


@contextmanager
def _repeatedly(call: Callable[[], None]) -> Iterator[None]:
    stopped = threading.Event()

    def repeat() -> None:
        while not stopped.wait(0.01):
            call()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _shown(stage: str) -> Callable[[ClockedRun], bool]:
    return lambda run: run.has_shown(rf"^. {stage} \d")


def _is_settling(run: ClockedRun) -> bool:
    """Return whether Prometheus has been queried since the load ended."""
    if not _shown("load")(run):
        return False
    run.queries = run.queries or len(run.prometheus.asked)
    return len(run.prometheus.asked) > run.queries


_MOMENTS: dict[str, Callable[[ClockedRun], bool]] = {
    "start": lambda run: run.has_shown(r"run \d{8}-"),
    "stack": _shown("stack"),
    "preflight": _shown("preflight"),
    "baseline": _shown("baseline"),
    "first response": lambda run: run.exchanges() >= 1,
    "a quarter": lambda run: run.exchanges() >= 30,
    "three quarters": lambda run: run.exchanges() >= 90,
    "load": _shown("load"),
    "settling": _is_settling,
    "settle": _shown("settle"),
}


@pytest.mark.parametrize("of_prometheus", [True, False], ids=["same-machine", "other-machine"])
@pytest.mark.parametrize("moment", _MOMENTS)
@pytest.mark.parametrize("step_s", _STEPS_S)
def test_a_wall_clock_that_is_set_fails_no_run_and_hangs_none(
    clocked: ClockedRun, step_s: float, moment: str, of_prometheus: bool
) -> None:
    process = clocked.start()
    try:
        _await(process, lambda: _MOMENTS[moment](clocked))
        clocked.set_clock(step_s, of_prometheus=of_prometheus)
        code = process.wait(_TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
    result = json.loads((clocked.latest / "result.json").read_bytes())
    doubted = {each["id"]: each for each in result["findings"] if each["verdict"] != "pass"}
    assert code in {0, 3}, clocked.log
    assert code == 0 or doubted.keys() & {"clock/prometheus", "clock/harness"}, clocked.log
    assert code == 0 or of_prometheus, clocked.log
    _assert_no_negative_window(clocked.latest, result)


def _await(process: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> None:
    """Wait for a moment of a run, or its end."""
    deadline = time.monotonic() + _TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline and not is_so():
        time.sleep(0.002)


def _assert_no_negative_window(path: Path, result: dict[str, Any]) -> None:
    run = RunFolder(path).read_run()
    assert run.finished_at is not None
    assert run.started_at <= run.finished_at
    assert all(each.started_at <= (each.finished_at or run.finished_at) for each in run.phases)
    (recording,) = recordings_of(path, "load")
    (phase,) = run.phases
    finished_at = (phase.finished_at or run.finished_at).timestamp()
    # The processes of the load continue the clock of the one that started them.
    assert phase.started_at.timestamp() <= recording.start.anchor_at <= finished_at
    rows = recording.exchanges.rows
    assert (rows["sent_s"] >= 0).all()
    assert (rows["done_s"] >= rows["sent_s"]).all()
    record = json.loads((path / "evidence/witnesses/prometheus/collection.json").read_bytes())
    assert record["begin"] <= record["at"]
    assert all(0 <= each["elapsed_s"] < _TIMEOUT_S for each in result["phases"])
