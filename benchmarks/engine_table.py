"""Evaluate the rounds of load tools: throughput, bottleneck, and a table to compare them."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.engine_targets import CounterSnapshot
from benchmarks.engine_tools import Tool

_FULL, _DISTURBED = 0.93, 0.1


@dataclass(frozen=True)
class LoadMeasurement:
    """Counts and CPU times of one round, between two snapshots within the steady state."""

    requests: int
    wall_s: float
    generator_cpu_s: float
    target_cpu_s: float
    machine_cpu_s: float

    @property
    def requests_per_cpu_s(self) -> float:
        """Requests per CPU second of the load generator."""
        return self.requests / self.generator_cpu_s

    @property
    def requests_per_s(self) -> float:
        """Requests per second."""
        return self.requests / self.wall_s

    @property
    def generator_cores(self) -> float:
        """Number of cores that the load generator kept busy."""
        return self.generator_cpu_s / self.wall_s

    @property
    def target_cores(self) -> float:
        """Number of cores that nginx kept busy; at most 1, because it has one worker."""
        return self.target_cpu_s / self.wall_s

    @property
    def other_cores(self) -> float:
        """Number of cores busy with other processes; the more, the less reliable the round."""
        of_others_s = self.machine_cpu_s - self.generator_cpu_s - self.target_cpu_s
        return max(of_others_s, 0.0) / self.wall_s


def measurement_between(first: CounterSnapshot, last: CounterSnapshot) -> LoadMeasurement:
    """Return the differences between two snapshots."""
    return LoadMeasurement(
        last.requests - first.requests,
        last.at_s - first.at_s,
        last.generator_cpu_s - first.generator_cpu_s,
        last.target_cpu_s - first.target_cpu_s,
        last.machine_cpu_s - first.machine_cpu_s,
    )


def bottleneck_of(measured: LoadMeasurement, cores: int, processes: int | None = 1) -> str:
    """Return what limited the throughput: target, generator, machine, others or neither.

    `processes` is the number of single-threaded generator processes; None if the generator can use
    every core.
    """
    if measured.target_cores >= _FULL:
        return "target"
    if processes is not None and measured.generator_cores >= _FULL * processes:
        return "generator"
    if measured.generator_cores + measured.target_cores >= _FULL * cores:
        return "machine"
    return "others" if measured.other_cores >= _DISTURBED else "neither"


def render_tools(
    tools: Sequence[Tool], rounds: dict[str, list[LoadMeasurement]], cores: int
) -> str:
    """Return the table of all tools, and below it the features that each had enabled."""
    medians = {name: median_of(of, "requests_per_cpu_s") for name, of in rounds.items()}
    lines = [
        "tool                  version   requests per CPU second   requests  vs k6  vs Fast"
        "  generator  target  others  limit",
        "                                median   least    most  per second              "
        "      cores   cores   cores",
    ]
    for tool in tools:
        of = rounds[tool.name]
        requests_per_cpu_s = [each.requests_per_cpu_s for each in of]
        median = medians[tool.name]
        lines.append(
            f"{tool.name:21} {tool.version:8} {median:7.0f} {min(requests_per_cpu_s):7.0f} "
            f"{max(requests_per_cpu_s):7.0f} {median_of(of, 'requests_per_s'):11.0f} "
            f"{median / medians['k6']:6.2f} {median / medians['Locust FastHttpUser']:8.2f} "
            f"{median_of(of, 'generator_cores'):10.2f} {median_of(of, 'target_cores'):7.2f} "
            f"{median_of(of, 'other_cores'):7.2f}  {_limits(of, cores, tool.name)}"
        )
    return "\n".join([*lines, "", *(f"{tool.name}: {tool.features}" for tool in tools)])


def median_of(of: Sequence[LoadMeasurement], name: str) -> float:
    """Return the median of one property over the rounds."""
    return float(statistics.median(getattr(each, name) for each in of))


def _limits(of: list[LoadMeasurement], cores: int, tool: str) -> str:
    processes = None if tool == "k6" else 1  # k6 is multi-threaded, Locust is not
    return ", ".join(sorted({bottleneck_of(each, cores, processes) for each in of}))
