"""Faults of the deployment, as plain data for `stack/`, which starts the local stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

# Stretches 100 iterations by 10 users to about 3 s, so that scrapes fall between them.
_SLOW = {"GENERATION_DELAY_MEDIAN_S": "0.25", "GENERATION_DELAY_P95_S": "0.3"}


@dataclass(frozen=True)
class Deployment:
    """Deviations from the normal deployment; 0 means never.

    `cut_every` counts API requests to Workflow, `replaced_after` API requests to Cards.
    `workers_apart` is the number of Cards workers that do not share their counts; `workflow` holds
    additional environment variables of Workflow.
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
        """Return the services that clients reach through a proxy."""
        counts = {"cards": self.replaced_after, "workflow": self.cut_every}
        return tuple(name for name, requests in counts.items() if requests)

    @property
    def second_cards(self) -> bool:
        """Return whether a second Cards runs, beside the first or after it."""
        return self.second_replica or bool(self.replaced_after)

    @property
    def needs_baseline(self) -> bool:
        """Return whether Prometheus must have scraped every service before the first request."""
        return bool(self.replaced_after)


NORMAL = Deployment("Normal deployment.")

# The thresholds suit a run of 1 + 100 iterations: 101 API requests to Workflow, 202 to Cards.
DEPLOYMENTS = {
    "connection-cut": Deployment(
        "Reset the connection of every 60th API request to Workflow after handling it.",
        cut_every=60,
    ),
    "visible-restart": Deployment(
        "Replace Cards after 162 API requests; its counters end below an earlier scrape.",
        replaced_after=162,
        workflow=_SLOW,
    ),
    "hidden-restart": Deployment(
        "Replace Cards after 12 API requests; its counters end above every earlier scrape.",
        replaced_after=12,
        workflow=_SLOW,
    ),
    "workers-apart": Deployment(
        "Run Cards with two workers that expose separate counters at one address.",
        workers_apart=2,
    ),
    "replica-not-scraped": Deployment(
        "Run two replicas of Cards; Prometheus scrapes only the one that Workflow never calls.",
        second_replica=True,
    ),
}


def deployment_of(fault: str | None) -> Deployment:
    """Return the deployment of a fault: the normal one, unless it is a fault of the deployment."""
    return DEPLOYMENTS.get(fault or "", NORMAL)
