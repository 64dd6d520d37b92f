"""Doubt counters that exceed where others than the scenario means may have counted on them.

These are services that show the same metric, where the quantity names none; and, where replicas are
discovered, targets of another environment under the same job: they can only add to it.
"""

from collections.abc import Iterator, Mapping

from checks.balance.figures import COUNTERS
from checks.case import Case
from witnesses.figure import Figures, Reason
from witnesses.model import CountedQuantity
from witnesses.target_labels import mixed_environments


def doubt_excess(
    case: Case, quantity: CountedQuantity, figures: Mapping[str, Figures]
) -> Mapping[str, Figures]:
    """Return the figures with the doubts in the counters, if others may count on them."""
    if not quantity.settings.prometheus:
        return figures
    for doubt in _doubts(case, quantity):
        figures = {w: of.doubted(*doubt) if w in COUNTERS else of for w, of in figures.items()}
    return figures


def _doubts(case: Case, quantity: CountedQuantity) -> Iterator[tuple[Reason, str]]:
    services = sorted({each.service for each, _ in case.services.replicas_of(quantity)})
    if len(services) > 1:
        yield Reason.SEVERAL_SERVICES, ", ".join(services)
    jobs = case.prometheus.jobs(quantity) & case.prometheus.collection.discovered_jobs
    for job in sorted(jobs):
        if mixed := mixed_environments(case.prometheus.target_labels.by_job.get(job, ())):
            yield Reason.OTHER_TARGETS, f"{mixed}; restrict them by prometheus.match"
