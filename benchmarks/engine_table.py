"""What did a turn of a load tool say, what kept it from going faster, and how do many compare?"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.engine_targets import Instant
from benchmarks.engine_tools import Tool

_FULL, _DISTURBED = 0.93, 0.1


@dataclass(frozen=True)
class Measured:
    """What one turn of a tool said, between its two instants."""

    requests: int
    wall_s: float
    generator_cpu_s: float
    target_cpu_s: float
    machine_cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        """Requests per CPU second of the generator."""
        return self.requests / self.generator_cpu_s

    @property
    def per_s(self) -> float:
        """Requests per second."""
        return self.requests / self.wall_s

    @property
    def generator_cores(self) -> float:
        """How many cores the generator kept busy."""
        return self.generator_cpu_s / self.wall_s

    @property
    def target_cores(self) -> float:
        """How much of a core nginx kept busy; it has one worker, so 1 is all it can."""
        return self.target_cpu_s / self.wall_s

    @property
    def other_cores(self) -> float:
        """How many cores were busy with something else: what was measured beside it is doubtful."""
        of_others_s = self.machine_cpu_s - self.generator_cpu_s - self.target_cpu_s
        return max(of_others_s, 0.0) / self.wall_s


def between(first: Instant, last: Instant) -> Measured:
    """Return what happened from one instant to another."""
    return Measured(
        last.requests - first.requests,
        last.at_s - first.at_s,
        last.generator_cpu_s - first.generator_cpu_s,
        last.target_cpu_s - first.target_cpu_s,
        last.machine_cpu_s - first.machine_cpu_s,
    )


def limit_of(measured: Measured, cores: int, processes: int | None = 1) -> str:
    """Say what kept it from going faster; None processes can use every core by themselves."""
    if measured.target_cores >= _FULL:
        return "target"
    if processes is not None and measured.generator_cores >= _FULL * processes:
        return "generator"
    if measured.generator_cores + measured.target_cores >= _FULL * cores:
        return "machine"
    return "others" if measured.other_cores >= _DISTURBED else "neither"


def render_tools(tools: Sequence[Tool], told: dict[str, list[Measured]], cores: int) -> str:
    """Return the table, and below it what was on for each tool."""
    medians = {name: median_of(of, "per_cpu_s") for name, of in told.items()}
    lines = [
        "tool                  version   requests per CPU second   requests  of k6  of Fast"
        "  generator  target  others  limit",
        "                                median   least    most    a second              "
        "      cores   cores   cores",
    ]
    for tool in tools:
        of = told[tool.name]
        per_cpu_s = [each.per_cpu_s for each in of]
        median = medians[tool.name]
        lines.append(
            f"{tool.name:21} {tool.version:8} {median:7.0f} {min(per_cpu_s):7.0f} "
            f"{max(per_cpu_s):7.0f} {median_of(of, 'per_s'):11.0f} {median / medians['k6']:6.2f} "
            f"{median / medians['Locust FastHttpUser']:8.2f} "
            f"{median_of(of, 'generator_cores'):10.2f} {median_of(of, 'target_cores'):7.2f} "
            f"{median_of(of, 'other_cores'):7.2f}  {_limits(of, cores, tool.name)}"
        )
    return "\n".join([*lines, "", *(f"{tool.name}: {tool.on}" for tool in tools)])


def median_of(of: Sequence[Measured], name: str) -> float:
    """Return the median of one figure over the rounds."""
    return float(statistics.median(getattr(each, name) for each in of))


def _limits(of: list[Measured], cores: int, tool: str) -> str:
    processes = None if tool == "k6" else 1
    return ", ".join(sorted({limit_of(each, cores, processes) for each in of}))
