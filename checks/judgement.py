"""What one module of the suite found."""

from dataclasses import dataclass

from checks.result import Finding, RelationRow, UsageRow
from checks.service_levels import AvailabilityRow, LatencyRow, ServerLatencyRow


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one module of the suite contributes to the result."""

    findings: tuple[Finding, ...] = ()
    usage: tuple[UsageRow, ...] = ()
    latency: tuple[LatencyRow, ...] = ()
    server_latency: tuple[ServerLatencyRow, ...] = ()
    availability: tuple[AvailabilityRow, ...] = ()
    relations: tuple[RelationRow, ...] = ()
