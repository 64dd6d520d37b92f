from dataclasses import replace

from benchmarks.engine_table import LoadMeasurement
from benchmarks.engine_workers import ratios_of, render

_BUSY = LoadMeasurement(
    requests=20_000, wall_s=2.0, generator_cpu_s=2.0, target_cpu_s=0.5, machine_cpu_s=2.6
)


def test_workers_are_compared_round_by_round() -> None:
    one = [replace(_BUSY, requests=each) for each in (10_000, 20_000, 10_000)]
    two = [replace(_BUSY, requests=each) for each in (19_000, 40_000, 15_000)]
    assert ratios_of({1: one, 2: two}) == [1.9, 2.0, 1.5]
    text = render({1: one, 2: two}, 4, 0.5)
    assert text.startswith("CPU limit per worker: 50% of one core")
    assert text.endswith("2 workers compared to one: 1.90 (1.50 to 2.00 in 3 rounds)")
