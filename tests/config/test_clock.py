import re
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clock import Clock, ClockStep, anchor_environment
from tests.paths import ROOT

_STEPS_S = st.sampled_from((-3600.0, -5.0, -0.2, 0.2, 5.0, 3600.0))


class _Machine:
    """A machine whose wall clock can be set; every reading takes `reading_s`."""

    def __init__(self, reading_s: float = 0.0) -> None:
        self.monotonic_s, self.ahead_s, self.reading_s = 100.0, 1_000_000.0, reading_s

    def monotonic(self) -> float:
        self.monotonic_s += self.reading_s
        return self.monotonic_s

    def wall(self) -> float:
        return self.monotonic() + self.ahead_s

    def clock(self, anchor: float | None = None) -> Clock:
        return Clock(self.wall, self.monotonic, anchor)


@given(st.lists(st.tuples(st.floats(0, 100), _STEPS_S), max_size=10))
def test_time_goes_on_as_the_monotonic_clock_does_whatever_the_wall_clock_is_set_to(
    events: list[tuple[float, float]],
) -> None:
    machine = _Machine()
    clock = machine.clock()
    begin = clock.now_at()
    for passed_s, step_s in events:
        machine.monotonic_s += passed_s
        machine.ahead_s += step_s
        assert clock.now_at() - begin == pytest.approx(machine.monotonic_s - 100.0, abs=1e-6)
    assert [each.step_s for each in clock.steps] == pytest.approx([each for _, each in events])


def test_a_step_is_noticed_once_with_its_time_on_the_clock_that_does_not_step() -> None:
    machine = _Machine()
    clock = machine.clock()
    machine.monotonic_s += 7
    machine.ahead_s -= 5
    assert clock.steps == clock.steps == (ClockStep(1_000_107.0, -5.0),)
    assert clock.now() == datetime.fromtimestamp(1_000_107.0, UTC)


@given(st.lists(st.floats(-0.1, 0.1), max_size=50))
def test_a_wall_clock_that_drifts_has_made_no_step(drifts_s: list[float]) -> None:
    machine = _Machine()
    clock = machine.clock()
    for drift_s in drifts_s:
        machine.ahead_s += 0.9 * drift_s
        clock.now_at()
    assert clock.steps == ()


def test_a_process_that_is_suspended_between_two_readings_has_seen_no_step() -> None:
    machine = _Machine()
    clock = machine.clock()
    machine.reading_s = 30.0
    clock.now_at()
    machine.reading_s = 0.0
    assert clock.steps == ()


def test_a_process_continues_the_anchor_of_the_one_that_started_it() -> None:
    machine = _Machine()
    first = machine.clock()
    machine.ahead_s += 3600
    second = machine.clock(first.anchor)
    assert second.now_at() == first.now_at()
    assert second.steps == ()  # the first one noticed it
    assert [each.step_s for each in first.steps] == [3600]


def test_a_child_reads_the_anchor_from_its_environment() -> None:
    code = "from config.clock import CLOCK; print(repr(CLOCK.anchor))"
    variables = anchor_environment(Clock(lambda: 500.25, lambda: 100.0))
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env=variables, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert float(ran.stdout) == 400.25


def test_a_step_that_several_threads_see_is_one_step() -> None:
    machine = _Machine()
    clock = machine.clock()
    machine.ahead_s -= 5
    threads = [threading.Thread(target=clock.now_at) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clock.steps) == 1


def test_no_other_module_of_the_harness_reads_the_wall_clock() -> None:
    """The live page of Locust is drawn by Locust's own clock."""
    reading = re.compile(r"\btime\.time\(|time_ns\(|datetime\.(now|today|utcnow)\(|date\.today\(")
    folders = ("config", "scenarios", "witnesses", "checks", "reports", "commands")
    found = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if reading.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"scenarios/engine/locust_statistics.py"}
