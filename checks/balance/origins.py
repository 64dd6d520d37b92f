"""Where the counts of each quantity come from, for people who look for a difference."""

from dataclasses import replace

from checks.case import Case
from checks.observations import QuantityOrigin
from witnesses.model import CountedQuantity, Source
from witnesses.prometheus.reading import NAME as PROMETHEUS


def origins_of(case: Case) -> tuple[QuantityOrigin, ...]:
    """Return the steps that move each judged quantity, and the source of each witness."""
    return tuple(
        QuantityOrigin(
            name,
            tuple(step.step for step in case.scenario.steps if name in step.counts),
            _sources(case, case.quantity(name)),
        )
        for name in case.scenario.judged_quantities
    )


def _sources(case: Case, quantity: CountedQuantity) -> dict[str, Source]:
    """Return the sources by witness; of the targets of Prometheus, those of services that count."""
    sources = {each.name: each.source(quantity) for each in case.witnesses if each.counts(quantity)}
    scraped = sources.get(PROMETHEUS)
    if scraped:
        jobs = case.services.jobs(quantity)
        of_jobs = tuple(place for place in scraped.places if place[0] in jobs)
        sources[PROMETHEUS] = replace(scraped, places=of_jobs or scraped.places)
    return sources
