"""Judge whether the services that push their metrics did so before a run, and after it."""

from collections.abc import Collection

from checks.case import Case
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from witnesses.prometheus.pushes import InstancePushes

_REMEDY = (
    "Correct job, pushed.job_label or prometheus.match in the environment's file, or see why its "
    "exporter pushes nothing."
)


def judge_pushed(case: Case, name: str) -> Finding:
    """Judge whether each instance of a service pushed its metrics after the last response."""
    record = case.prometheus.collection
    pushes = [
        each
        for (job, _), each in case.prometheus.pushes.items()
        if job == record.jobs.get(name) and not each.has_ended
    ]
    silent = [each for each in pushes if not each.has_settled(record.end)]
    return finding_of_pushes(name, pushes, silent, "after the last response")


def finding_of_pushes(
    name: str, pushes: Collection[InstancePushes], silent: Collection[InstancePushes], when: str
) -> Finding:
    """Return the finding on the pushes of a service's instances, of which some may be silent."""
    observed = "nothing was pushed with its job"
    if pushes:
        every_s = max(each.every_s for each in pushes)
        instances = f"{len(pushes) - len(silent)} of {len(pushes)} instances pushed {when}"
        observed = f"{instances}, every {every_s:.3g} s" if every_s else instances
    is_well = bool(pushes) and not silent
    return Finding(
        finding_id("precondition", "pushed", name), f"{name}: pushes its metrics", Kind.VALIDITY,
        Verdict.PASS if is_well else Verdict.INCONCLUSIVE, f"each instance {when}", observed,
        "" if is_well else _REMEDY,
    )  # fmt: skip
