"""The words of each kind of check, and where a report shows it. A new kind adds one entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from checks.result import Finding, Kind, Result


class GateName(StrEnum):
    """The questions of the banner, in order."""

    AVAILABILITY = "Availability"
    FLOW = "Flow"
    LATENCY = "Latency"
    USAGE = "Usage"
    VALIDITY = "Validity"


@dataclass(frozen=True, slots=True)
class KindWords:
    """How a kind of check is shown.

    `failed` and `inconclusive` are titles of a run that it decides; `section` is the part of the
    page that has its rows; `is_objective` puts its findings among the objectives, too.
    """

    failed: str
    inconclusive: str
    section: str
    gate: GateName
    is_objective: bool = False


KINDS: Mapping[Kind, KindWords] = {
    Kind.HEALTH: KindWords(
        "Not every service is healthy",
        "Health could not be judged",
        "validity",
        GateName.VALIDITY,
    ),
    Kind.AVAILABILITY: KindWords(
        "Down for longer than allowed",
        "Availability could not be judged",
        "availability",
        GateName.AVAILABILITY,
    ),
    Kind.FLOW: KindWords(
        "The flow does not work", "The flow could not be judged", "flow", GateName.FLOW
    ),
    Kind.SUCCESS: KindWords(
        "Too few iterations succeeded",
        "Success could not be judged",
        "objectives",
        GateName.FLOW,
        is_objective=True,
    ),
    Kind.LATENCY: KindWords(
        "Slower than the objective",
        "Latency could not be judged",
        "objectives",
        GateName.LATENCY,
    ),
    Kind.THROUGHPUT: KindWords(
        "Fewer per second than the objective",
        "Throughput could not be judged",
        "objectives",
        GateName.LATENCY,
        is_objective=True,
    ),
    Kind.USAGE: KindWords(
        "The witnesses do not agree", "Usage could not be judged", "balance", GateName.USAGE
    ),
    Kind.PROMQL: KindWords(
        "A query misses what was expected",
        "A query could not be judged",
        "server",
        GateName.LATENCY,
        is_objective=True,
    ),
    Kind.VALIDITY: KindWords(
        "The run is not valid",
        "The run could not be shown to be valid",
        "validity",
        GateName.VALIDITY,
    ),
}


def findings_of_section(result: Result, section: str) -> tuple[Finding, ...]:
    """Return the findings whose rows a section has, in their order."""
    return tuple(each for each in result.findings if KINDS[each.kind].section == section)


def findings_of_gate(result: Result, gate: GateName) -> tuple[Finding, ...]:
    """Return the findings that a gate stands for, in their order."""
    return tuple(each for each in result.findings if KINDS[each.kind].gate is gate)
