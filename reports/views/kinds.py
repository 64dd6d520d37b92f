"""How each kind of check is shown: its words, its place, its weight. A new kind adds one entry."""

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
class KindView:
    """How a kind of check is shown.

    `failed` and `inconclusive` are titles of a run that it decides; `section` is the part of the
    page that has its rows; `is_objective` puts its findings among the objectives, too. A
    precondition explains why others are inconclusive; the detail of its findings is the remedy.
    """

    failed: str
    inconclusive: str
    section: str
    gate: GateName
    is_objective: bool = False
    is_precondition: bool = False


# In the order in which failing findings decide a run: correctness before latency, since a slow
# response that is wrong is wrong first.
KINDS: Mapping[Kind, KindView] = {
    Kind.HEALTH: KindView(
        "Not every service is healthy",
        "Health could not be judged",
        "validity",
        GateName.VALIDITY,
        is_precondition=True,
    ),
    Kind.AVAILABILITY: KindView(
        "Down for longer than allowed",
        "Availability could not be judged",
        "availability",
        GateName.AVAILABILITY,
    ),
    Kind.FLOW: KindView("Requests failed", "The flow could not be judged", "flow", GateName.FLOW),
    Kind.SUCCESS: KindView(
        "Too few iterations succeeded",
        "Success could not be judged",
        "objectives",
        GateName.FLOW,
        is_objective=True,
    ),
    Kind.USAGE: KindView(
        "The witnesses do not agree", "Usage could not be judged", "balance", GateName.USAGE
    ),
    Kind.LATENCY: KindView(
        "Slower than the objective",
        "Latency could not be judged",
        "objectives",
        GateName.LATENCY,
    ),
    Kind.SERVER_LATENCY: KindView(
        "Slower at the service than the objective",
        "Latency at the service could not be judged",
        "server",
        GateName.LATENCY,
        is_objective=True,
    ),
    Kind.THROUGHPUT: KindView(
        "Fewer per second than the objective",
        "Throughput could not be judged",
        "objectives",
        GateName.LATENCY,
        is_objective=True,
    ),
    Kind.PROMQL: KindView(
        "A query misses what was expected",
        "A query could not be judged",
        "server",
        GateName.LATENCY,
        is_objective=True,
    ),
    Kind.VALIDITY: KindView(
        "The run is not valid",
        "The run could not be shown to be valid",
        "validity",
        GateName.VALIDITY,
        is_precondition=True,
    ),
}


def findings_of_section(result: Result, section: str) -> tuple[Finding, ...]:
    """Return the findings whose rows a section has, in their order."""
    return tuple(each for each in result.findings if KINDS[each.kind].section == section)


def findings_of_gate(result: Result, gate: GateName) -> tuple[Finding, ...]:
    """Return the findings that a gate stands for, in their order."""
    return tuple(each for each in result.findings if KINDS[each.kind].gate is gate)
