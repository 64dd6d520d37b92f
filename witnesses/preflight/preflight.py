"""Inspect every part of a scenario that a witness must know: one `Inspection` per part.

Nothing is changed anywhere, and nothing is judged here: `doctor` makes findings of the inspections,
and a run refuses to start if its scenario is wrong.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from config.environment import Environment
from scenarios.language.model import Scenario
from witnesses.model import CountedQuantity
from witnesses.preflight.apis import inspect_api
from witnesses.preflight.counters import CounterSources, inspect_counter
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.metric_names import StoredMetrics, fetch_shown_pages
from witnesses.preflight.queries import PromqlInspector, inspect_query
from witnesses.prometheus.client import PrometheusClient

_THREADS = 8


def inspect_scenario(scenario: Scenario, environment: Environment, tenant: str) -> list[Inspection]:
    """Ask every witness for what a scenario names, with a run's tenant."""
    quantities = [
        CountedQuantity(name, settings, tenant, environment.exclusive)
        for name, settings in scenario.quantities.items()
    ]
    with ThreadPoolExecutor(_THREADS) as threads:
        queries = [
            threads.submit(inspect_query, quantity, key, database, environment.databases)
            for quantity in quantities
            for key in ("database", "traces")
            for database in getattr(quantity.settings, key) or {}
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
    if environment.prometheus is None:
        yield from _inspect_counters(environment, counted, None)
        return
    with closing(PrometheusClient(environment.prometheus, environment.network)) as client:
        inspector = PromqlInspector(client, environment.prometheus.match)
        selectors = [inspector.inspect_selector(quantity) for quantity in counted]
        yield from (each for each in selectors if each.outcome is Outcome.WRONG)
        yield from inspector.inspect_checks(tuple(scenario.checks.promql), tenant)
        yield from _inspect_counters(environment, counted, None if inspector.error else client)


def _inspect_counters(
    environment: Environment, counted: list[CountedQuantity], client: PrometheusClient | None
) -> Iterator[Inspection]:
    """Inspect each counter where its service shows it: another's page proves nothing of it."""
    if not counted:
        return
    pages = fetch_shown_pages(environment)
    jobs = {name: service.job or name for name, service in environment.services.items()}
    names = frozenset(quantity.selector.metric for quantity in counted)
    sources = {}
    for service in {quantity.settings.service for quantity in counted}:
        of_service = [jobs[service]] if service else jobs.values()
        stored = StoredMetrics(client, of_service) if client else None
        sources[service] = CounterSources(pages.of(service), stored, names, tuple(jobs))
    yield from (inspect_counter(each, sources[each.settings.service]) for each in counted)
