import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchmarks.engine_table import (
    LoadMeasurement,
    bottleneck_of,
    measurement_between,
    render_tools,
)
from benchmarks.engine_targets import CounterSnapshot
from benchmarks.engine_tools import Tool

_BUSY = LoadMeasurement(
    requests=20_000, wall_s=2.0, generator_cpu_s=2.0, target_cpu_s=0.5, machine_cpu_s=2.6
)


def test_a_measurement_is_the_difference_of_two_snapshots() -> None:
    measured = measurement_between(
        CounterSnapshot(10.0, 500, 3.0, 1.0, 7.0), CounterSnapshot(14.0, 2_500, 5.0, 2.0, 12.0)
    )
    assert measured == LoadMeasurement(2_000, 4.0, 2.0, 1.0, 5.0)
    assert (measured.requests_per_cpu_s, measured.requests_per_s) == (1_000, 500)
    assert (measured.generator_cores, measured.target_cores) == (0.5, 0.25)
    assert measured.other_cores == 0.5


@pytest.mark.parametrize(
    ("changes", "processes", "bottleneck"),
    [
        ({}, 1, "generator"),
        ({}, 2, "neither"),
        ({"generator_cpu_s": 3.5}, 2, "machine"),
        ({"generator_cpu_s": 3.5}, None, "machine"),
        ({"generator_cpu_s": 2.0}, None, "neither"),
        ({"target_cpu_s": 2.0}, 1, "target"),
        ({"generator_cpu_s": 1.0, "machine_cpu_s": 1.6}, 1, "neither"),
        ({"generator_cpu_s": 1.0, "machine_cpu_s": 3.5}, 1, "others"),
    ],
)
def test_the_bottleneck_is_the_resource_that_was_busy_throughout(
    changes: dict[str, float], processes: int | None, bottleneck: str
) -> None:
    assert bottleneck_of(replace(_BUSY, **changes), 2, processes) == bottleneck  # type: ignore[arg-type]


def test_the_table_shows_medians_extremes_and_ratios() -> None:
    names = ["Locust FastHttpUser", "k6", "Trial Balance"]

    def rounds(requests: Sequence[int]) -> list[LoadMeasurement]:
        return [replace(_BUSY, requests=each) for each in requests]

    measurements = {
        names[0]: rounds([10_000]),
        names[1]: rounds([20_000]),
        names[2]: rounds([44_000, 40_000, 30_000]),
    }
    table = render_tools(
        [Tool(name, "1.0", "all", lambda *_: []) for name in names], measurements, 2
    )
    row = next(line for line in table.splitlines() if line.startswith("Trial Balance"))
    figures = [float(each) for each in re.findall(r"\d+\.?\d*", row)]
    assert figures == [1.0, 20_000, 15_000, 22_000, 20_000, 2.0, 4.0, 1.0, 0.25, 0.05]
    assert row.endswith("generator")
