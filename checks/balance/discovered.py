"""State what was found of replicas that are discovered; whether they came or went is no fault."""

from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict


def judge_discovered_pages(name: str, readable: int, replicas: int, unasked: str) -> Finding:
    """Report of which discovered replicas the metrics are read; none is required.

    `unasked` is why none was asked.
    """
    observed = f"{readable} of {replicas} replicas, discovered"
    observed = f"only Prometheus is asked: {unasked}" if unasked else observed
    return Finding(
        finding_id("precondition", "metrics-readable", name), f"{name}: metrics can be read",
        Kind.VALIDITY, Verdict.PASS, "on each discovered replica, or of none", observed,
    )  # fmt: skip


def judge_discovered_targets(
    name: str, observed: str, *, is_well: bool, remedy: str = ""
) -> Finding:
    """Judge whether Prometheus scrapes a replica of a service whose replicas are discovered."""
    return Finding(
        finding_id("precondition", "scraped", name), f"{name}: scraped by Prometheus",
        Kind.VALIDITY, Verdict.PASS if is_well else Verdict.INCONCLUSIVE,
        "at least 1 replica, as Prometheus discovers them", observed, remedy,
    )  # fmt: skip
