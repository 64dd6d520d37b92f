"""Ask every witness of an environment: before the first request, and after the last response."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from config.environment import Environment
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Scenario
from witnesses.database.collector import DatabaseCollector
from witnesses.health.collector import collect_health
from witnesses.model import Collector, CountedQuantity, Moment
from witnesses.process_identity import START_TIME_MARGIN_S
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.collector import PrometheusCollector, write_absence
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.service.collector import ServiceCollector
from witnesses.service.reading import latest_start_time

_CLOCK_STEP_S = 0.01


@dataclass(frozen=True)
class Collectors:
    """The collectors of one run, in the order in which they are asked after it.

    Prometheus' barrier comes first: what it waits for, the others then report too. `fresh` means
    that every service was started for this run.
    """

    environment: Environment
    tenant: str
    folder: RunFolder
    in_order: tuple[Collector, ...]
    fresh: bool

    def collect_health(self, moment: Moment) -> None:
        """Ask every service for its health."""
        collect_health(self.environment, self.tenant, moment, self.folder)

    def collect(self, moment: Moment) -> None:
        """Ask every witness. May be repeated after the run, to tell late counts from lost ones."""
        is_fresh_begin = self.fresh and moment is Moment.BEFORE
        # A fresh Prometheus waits for nothing; its begin must come after the others' baseline.
        in_order = self.in_order[::-1] if is_fresh_begin else self.in_order
        for collector in in_order:
            if is_fresh_begin and isinstance(collector, PrometheusCollector):
                # Start times are in whole seconds: a process must be older to count as there
                # before. A service on another machine, whose clock is ahead, is not waited for.
                ready_at = latest_start_time(self.folder) + START_TIME_MARGIN_S + _CLOCK_STEP_S
                time.sleep(min(max(0.0, ready_at - time.time()), START_TIME_MARGIN_S))
            collector.collect(moment, self.folder)


@contextmanager
def open_collectors(
    scenario: Scenario, environment: Environment, tenant: str, folder: RunFolder, *, fresh: bool
) -> Iterator[Collectors]:
    """Connect to every witness that the environment has."""
    quantities = [
        CountedQuantity(name, settings, tenant, environment.exclusive)
        for name, settings in scenario.quantities.items()
    ]
    in_order: list[Collector] = [
        ServiceCollector(environment, quantities),
        DatabaseCollector(environment.databases, quantities, tenant),
    ]
    with ExitStack() as held:
        if environment.prometheus:
            client = PrometheusClient(environment.prometheus, environment.network)
            held.enter_context(closing(client))
            targets = ServiceTargets.of_environment(environment)
            prometheus = PrometheusCollector(
                client, targets, folder, quantities,
                promql=scenario.checks.promql, tenant=tenant, fresh=fresh,
            )  # fmt: skip
            in_order.insert(0, prometheus)
        else:
            write_absence(folder)
        yield Collectors(environment, tenant, folder, tuple(in_order), fresh)
