"""Read what discovered replicas that came or went during a run leave of their figures.

A replica that came counts from zero if its process started since the first request, and Prometheus
saw no other one there. Of any other, and of one that came and went, nothing is known: the figures
of its service are lower bounds.
"""

from collections.abc import Mapping
from typing import Any

from witnesses.figure import Reason
from witnesses.service.exposition import Exposition, parse_exposition, unreadable
from witnesses.service.replica import Replica
from witnesses.target_history import TargetHistory


def baseline_of_new(
    entry: Mapping[str, Any], after: Exposition, history: TargetHistory
) -> Exposition:
    """Return what a replica showed before the run that was discovered only after it."""
    target, started = (entry["job"], entry["instance"]), after.start_times.values()
    skew_s = entry.get("skew_s", 0.0)
    if started and all(history.began_since(target, each, skew_s) for each in started):
        return parse_exposition(b"", entry["url"])
    return unreadable(Reason.NOT_SCRAPED_BEFORE, f"{entry['instance']} came during the run")


def last_of_gone(entry: Mapping[str, Any], after: Exposition, history: TargetHistory) -> Exposition:
    """Return what a replica showed after the run; one that Prometheus had lost, too, went away."""
    is_gone = after.error and (entry["job"], entry.get("instance")) in history.gone
    return unreadable(Reason.REPLICA_GONE, after.error) if is_gone else after


def unseen_replicas(replicas: Mapping[str, Replica], history: TargetHistory) -> dict[str, Replica]:
    """Return the replicas of discovered services that no page was read of: they came and went.

    Where Prometheus was not read, each service may have had one.
    """
    seen: dict[tuple[str, str], set[str]] = {}
    for each in replicas.values():
        if each.instance:
            seen.setdefault((each.service, each.job), set()).add(each.instance)
    found = {}
    for (service, job), instances in seen.items():
        came = history.instances_of(job) - instances if history.is_known else {"not known"}
        for instance in sorted(came):
            gone = unreadable(Reason.REPLICA_GONE, instance)
            found[f"{service}-{instance}"] = Replica(service, job, gone, gone, instance=instance)
    return found
