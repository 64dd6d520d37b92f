"""The record of how Prometheus was collected: instants, windows, or the error."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

COLLECTION_FILE = "collection.json"


@dataclass(frozen=True, slots=True)
class PushedTarget:
    """A service that pushes its metrics: its interval if it is declared, and its job's label."""

    every_s: float = 0.0
    job_label: str = "job"


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """When Prometheus was read, on its own clock (epoch seconds), or why it could not be.

          baseline      begin              end        windows…        at
        ──s─────s─────────│───── requests ──│───s─────s──│──s─────s───│──▶

    `begin` is before the first request, `end` after the last response, `at` the evaluation time of
    the raw samples. `skew_s` is Prometheus' clock minus ours. `fresh` means that every service was
    started for this run. `windows` are the ends of the windows in which the samples were read.
    `is_declared_absent` means that the environment has no Prometheus.
    `is_clock_set` means that the error is that Prometheus' clock was set. `version` is what it
    reports of itself, or "". `settling_s` is how long settling takes as it is known before the run.
    `not_awaited` are the jobs that no quantity rests on: nothing was waited for there.
    `pushed` are the services that push their metrics. `is_tenant_new` means that no other run has
    had the tenant of this one.
    `jobs` are the jobs of the services, and `instances` the default instances of their replicas.
    The replicas of services that are `discovered` are the targets of their jobs.
    """

    fresh: bool = False
    begin: float = 0.0
    end: float = 0.0
    at: float = 0.0
    skew_s: float = 0.0
    interval_s: float = 0.0
    error: str = ""
    windows: Sequence[float] = ()
    jobs: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_declared_absent: bool = False
    is_clock_set: bool = False
    version: str = ""
    settling_s: float = 0.0
    discovered: Sequence[str] = field(default_factory=list)
    not_awaited: Sequence[str] = field(default_factory=list)
    pushed: Mapping[str, PushedTarget] = field(default_factory=dict)
    is_tenant_new: bool = False

    @property
    def discovered_jobs(self) -> frozenset[str]:
        """The jobs whose targets come and go with the replicas of a service."""
        return frozenset(self.jobs[name] for name in self.discovered if name in self.jobs)

    @property
    def window(self) -> str:
        """The PromQL duration from before the first request to the evaluation."""
        return f"{math.ceil(self.at - self.begin)}s"
