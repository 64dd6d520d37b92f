"""Inspect every part of a scenario that a witness must know: one `Inspection` per part.

Nothing is changed anywhere, and nothing is judged here: `doctor` makes findings of the inspections,
and a run refuses to start if its scenario is wrong.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from config.environment import Environment
from scenarios.language.model import Scenario
from scenarios.language.stores import stores_of
from witnesses.histograms import buckets_of
from witnesses.model import CountedQuantity
from witnesses.preflight.apis import inspect_api
from witnesses.preflight.counters import CounterSources, inspect_counter
from witnesses.preflight.histograms import HistogramSources, inspect_histogram, place_of
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import StoredMetrics, fetch_shown_pages
from witnesses.preflight.queries import PromqlInspector, inspect_query
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.service_targets import ServiceTargets

_THREADS = 8


def inspect_scenario(scenario: Scenario, environment: Environment, tenant: str) -> list[Inspection]:
    """Ask every witness for what a scenario names, with a run's tenant."""
    quantities = [
        CountedQuantity(name, settings, tenant, environment.exclusive)
        for name, settings in scenario.quantities.items()
    ]
    with ThreadPoolExecutor(_THREADS) as threads:
        queries = [
            threads.submit(inspect_query, quantity, key, store, environment.databases)
            for quantity in quantities
            for key in ("database", "traces")
            for store in stores_of(getattr(quantity.settings, key))
        ]
        queries += [
            threads.submit(inspect_api, quantity, name, environment)
            for quantity in quantities
            for name in quantity.settings.api or ()
        ]
        found = list(_inspect_metrics(scenario, environment, tenant, quantities))
        return [*found, *(each.result() for each in queries)]


def _inspect_metrics(
    scenario: Scenario, environment: Environment, tenant: str, quantities: list[CountedQuantity]
) -> Iterator[Inspection]:
    """Inspect selectors and checks first: they show whether Prometheus can be asked at all."""
    counted = [each for each in quantities if each.settings.prometheus]
    histograms = buckets_of(scenario, tenant, is_exclusive=environment.exclusive)
    if environment.prometheus is None:
        yield from _inspect_names(scenario, environment, counted, histograms, None)
        return
    with closing(PrometheusClient(environment.prometheus, environment.network)) as client:
        inspector = PromqlInspector(client, environment.prometheus.match)
        selectors = [inspector.inspect_selector(quantity) for quantity in counted]
        selectors += [
            place_of(number, histogram, inspector.inspect_selector(histogram))
            for number, histogram in enumerate(histograms)
        ]
        yield from (each for each in selectors if each.outcome is Outcome.WRONG)
        yield from inspector.inspect_checks(tuple(scenario.checks.promql), tenant)
        stored = None if inspector.error else client
        yield from _inspect_names(scenario, environment, counted, histograms, stored)


def _inspect_names(
    scenario: Scenario, environment: Environment, counted: Sequence[CountedQuantity],
    histograms: Sequence[CountedQuantity], client: PrometheusClient | None,
) -> Iterator[Inspection]:  # fmt: skip
    """Inspect each counter where its service shows it: another's page proves nothing of it.

    Likewise each histogram that limits are on.
    """
    if not counted and not histograms:
        return
    pages = fetch_shown_pages(environment)
    targets = ServiceTargets.of_environment(environment)
    names = frozenset(quantity.selector.metric for quantity in counted)
    namespaces = tuple(environment.services)
    sources = {}
    for service in {quantity.settings.service for quantity in (*counted, *histograms)}:
        stored = StoredMetrics(client, *targets.stored_under(service)) if client else None
        sources[service] = CounterSources(pages.of(service), stored, names, namespaces)
    yield from (inspect_counter(each, sources[each.settings.service]) for each in counted)
    objectives = scenario.checks.server_latency
    for number, (objective, buckets) in enumerate(zip(objectives, histograms, strict=True)):
        service = buckets.settings.service
        seen = HistogramSources(pages.texts_of(service), sources[service])
        yield inspect_histogram(number, objective, buckets, seen)
