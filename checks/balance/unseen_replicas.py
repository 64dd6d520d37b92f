"""Doubt counters that fall short where replicas came or went: Prometheus may have missed one.

Prometheus passes on a change of its targets every 5 s, and scrapes a new one within an interval. A
replica that lives shorter leaves no sample; what it counted is missing from every total:

    replica   ├── counts 28 ──┤ ended
    targets     …  5 s  …        listed, and gone again
    scrapes   s      s      s      s

No replica moves a count to another label, so that totals which agree are not doubted.
"""

from collections.abc import Mapping

from checks.balance.client import client_total
from checks.balance.figures import COUNTERS
from checks.case import Case
from checks.result import ClientFigure
from witnesses.figure import Figure, Figures, Reason, total_of
from witnesses.model import CountedQuantity


def may_lack_replica(case: Case, quantity: CountedQuantity, figures: Mapping[str, Figures]) -> bool:
    """Return whether a counter falls short in all, and the replicas of its job changed."""
    if not quantity.settings.prometheus:
        return False
    if not case.prometheus.jobs(quantity) & case.prometheus.changes.changed_jobs:
        return False
    totals = {
        name: total_of(*(each.value or 0 for each in of_witness.by_labels.values()))
        for name, of_witness in figures.items()
    }
    client = client_total(case.ledger, quantity.name, quantity.precision.resolution)
    least = max([client.confirmed, *totals.values()])
    return any(totals[name] < least for name in COUNTERS if name in totals)


def doubt_shortfall(figures: Mapping[str, Figure], client: ClientFigure) -> Mapping[str, Figure]:
    """Return the figures of a row, with a doubt in the counters that fall short of any other."""
    exact = (each.value for each in figures.values() if each.is_exact and each.value is not None)
    least = max([client.confirmed, *exact])
    return {
        name: figure.doubted(Reason.REPLICA_UNSEEN)
        if name in COUNTERS and figure.value is not None and figure.value < least
        else figure
        for name, figure in figures.items()
    }
