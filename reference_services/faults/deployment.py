"""How can the way in which the stack is deployed be wrong? Plain data, for what starts it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

# Makes 100 iterations by 10 users last some 3 seconds, so that scrapes fall between them.
_SLOW = {"GENERATION_DELAY_MEDIAN_S": "0.25", "GENERATION_DELAY_P95_S": "0.3"}


@dataclass(frozen=True)
class Deployment:
    """What is unlike the usual about how the stack is started; 0 stands for never.

    `cut_every` counts the API requests to Workflow, `replaced_after` those to Cards.
    """

    service: ClassVar[str] = "stack"

    sentence: str
    cut_every: int = 0
    replaced_after: int = 0
    second_replica: bool = False
    workers_apart: int = 0
    workflow: Mapping[str, str] = field(default_factory=dict)

    @property
    def behind_proxy(self) -> tuple[str, ...]:
        """Return the services that are met through a proxy."""
        met = {"cards": self.replaced_after, "workflow": self.cut_every}
        return tuple(name for name, turns in met.items() if turns)

    @property
    def second_cards(self) -> bool:
        """Tell whether there is a second Cards, beside the first or after it."""
        return self.second_replica or bool(self.replaced_after)

    @property
    def needs_baseline(self) -> bool:
        """Tell whether Prometheus must have scraped every service before the first request."""
        return bool(self.replaced_after)


USUAL = Deployment("All is as usual.")

# A run of one iteration and then a hundred makes 101 API requests to Workflow, 202 to Cards.
DEPLOYMENTS = {
    "connection-cut": Deployment(
        "Reset the connection of every 60th API request to Workflow, after it was done.",
        cut_every=60,
    ),
    "visible-restart": Deployment(
        "Replace Cards after 162 API requests, so that its counters end below what was scraped.",
        replaced_after=162,
        workflow=_SLOW,
    ),
    "hidden-restart": Deployment(
        "Replace Cards after 12 API requests, so that its counters end above what was scraped.",
        replaced_after=12,
        workflow=_SLOW,
    ),
    "workers-apart": Deployment(
        "Run Cards with two workers, each of which counts and shows its own requests alone.",
        workers_apart=2,
    ),
    "replica-not-scraped": Deployment(
        "Run two replicas of Cards, and have Prometheus scrape the one that Workflow never calls.",
        second_replica=True,
    ),
}


def deployment_of(fault: str | None) -> Deployment:
    """Return how the stack is started under a fault: as usual, under one of a service."""
    return DEPLOYMENTS.get(fault or "", USUAL)
