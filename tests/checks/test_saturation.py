from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from checks.saturation import BusyPeriod, first_busy_period
from scenarios.evidence.generator_health import HEALTH_ROW
from scenarios.evidence.recording import Recording
from tests.evidence_factory import Load, case_of


def recording(
    place: Path, cpu: dict[int, float], from_s: float = 0.0, wall_s: float = 60.0, step_s: float = 1
) -> Recording:
    """Return a recording whose generator used so much of a core from each second on."""
    (given,) = case_of(place, Load()).driven[0].recordings
    assert given.end is not None
    health = np.zeros(int(60 / step_s), HEALTH_ROW)
    health["from_s"] = np.arange(len(health)) * step_s
    health["to_s"] = health["from_s"] + step_s
    for second, ratio in cpu.items():
        health["cpu_s"][health["from_s"] >= second] = ratio * step_s
    end = replace(given.end, window_from_s=from_s, wall_s=wall_s)
    return replace(given, health=health, end=end)


@pytest.mark.parametrize("step_s", [0.5, 1.0, 2.5])
def test_a_generator_that_is_saturated_for_a_time_is_found_though_the_mean_is_low(
    tmp_path: Path, step_s: float
) -> None:
    busy = recording(tmp_path, {0: 0.1, 30: 0.95, 40: 0.1}, step_s=step_s)
    assert busy.health["cpu_s"].sum() < 0.9 * 60
    found = first_busy_period(busy)
    assert found == BusyPeriod(30.0, 35.0, found.cpu_ratio if found else 0.0)
    assert round(found.cpu_ratio, 6) == 0.95


@pytest.mark.parametrize(
    "cpu",
    [{0: 0.89}, {0: 0.1, 30: 1.0, 34: 0.1}, {0: 0.0}],
    ids=["busy as may be", "busy for a moment", "idle"],
)
def test_a_generator_that_is_busy_as_it_may_be_or_for_a_moment_is_not(
    tmp_path: Path, cpu: dict[int, float]
) -> None:
    assert first_busy_period(recording(tmp_path, cpu)) is None


def test_neither_warm_up_nor_drain_count(tmp_path: Path) -> None:
    busy = recording(tmp_path, {0: 1.0, 20: 0.1, 40: 1.0}, from_s=20.0, wall_s=20.0)
    assert first_busy_period(busy) is None
    assert busy.end is not None
    assert first_busy_period(replace(busy, end=replace(busy.end, wall_s=25.0))) is not None


def test_a_generator_is_judged_by_what_it_recorded_until_it_ended(tmp_path: Path) -> None:
    busy = recording(tmp_path, {0: 1.0})
    assert first_busy_period(replace(busy, health=busy.health[:0])) is None
    assert first_busy_period(replace(busy, health=busy.health[:4])) is None
    assert first_busy_period(replace(busy, end=None)) is not None


def test_rows_out_of_order_accuse_nobody(tmp_path: Path) -> None:
    idle = recording(tmp_path, {0: 0.1})
    idle.health["to_s"] = idle.health["to_s"][::-1].copy()
    assert first_busy_period(idle) is None
