"""How are all witnesses asked at once? Before the first request, and after the last answer."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from checks.balance.usage import falls_short
from checks.case import read_case
from checks.health import AFTER, BEFORE, take_health
from checks.promql import take_promql
from config.environment import Environment
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Scenario
from scenarios.language.templates import compile_text
from witnesses.database.counts import take_rows
from witnesses.database.trace_rows import take_traces
from witnesses.prometheus.client import PrometheusQueries
from witnesses.prometheus.increase import BIRTH_MARGIN_S
from witnesses.prometheus.witness import PrometheusWitness
from witnesses.service.scrapes import last_birth, take_expositions

_CLOCK_STEP_S = 0.01


@dataclass(frozen=True)
class Panel:
    """Every witness of one run. `prometheus` is None where the environment has none.

    `fresh` tells that every service was started for this run.
    """

    scenario: Scenario
    environment: Environment
    tenant: str
    folder: RunFolder
    prometheus: PrometheusWitness | None
    fresh: bool

    def look_before(self) -> bool:
        """Take every witness' baseline; tell whether all services are well enough to go on."""
        if not take_health(self.environment, self.tenant, BEFORE, self.folder):
            return False
        if self.prometheus and not self.fresh:
            self.prometheus.open(fresh=False)
        self._look(BEFORE)
        if self.prometheus and self.fresh:
            self._outlive_births()
            self.prometheus.open(fresh=True)
        return True

    def look_after(self, last_answer_at: float) -> None:
        """Wait until the figures have settled, and take every witness' last word.

        `last_answer_at` is on our clock, in epoch seconds.
        """
        if self.prometheus:
            settles_s = {name: each.settle for name, each in self.scenario.quantities.items()}
            selectors, restless = self._selectors(), self._restless()
            self.prometheus.close(last_answer_at, selectors, settles_s, restless)
        self._look_last()
        if self.prometheus and falls_short(read_case(self.folder)):
            self.prometheus.look_again()
            self._look_last()
        take_health(self.environment, self.tenant, AFTER, self.folder)

    def _look_last(self) -> None:
        if self.prometheus:
            take_promql(self.scenario, self.prometheus, self.tenant, self.folder)
        self._look(AFTER)
        take_traces(self.scenario.quantities, self.environment.databases, self.tenant, self.folder)

    def _outlive_births(self) -> None:
        """A start time is told in whole seconds: a process must be older to count as there before.

        A service of another machine, whose clock is ahead, is not waited for.
        """
        wait_s = last_birth(self.folder) + BIRTH_MARGIN_S + _CLOCK_STEP_S - time.time()
        time.sleep(min(max(0.0, wait_s), BIRTH_MARGIN_S))

    def _look(self, moment: str) -> None:
        take_expositions(self.environment, moment, self.folder)
        databases = self.environment.databases
        take_rows(self.scenario.quantities, databases, self.tenant, moment, self.folder)

    def _restless(self) -> set[str]:
        """Name the quantities that others may count on all the time."""
        quantities = self.scenario.quantities.items()
        is_open = not self.environment.exclusive
        return {name for name, quantity in quantities if quantity.shared and is_open}

    def _selectors(self) -> dict[str, str]:
        return {
            name: compile_text(quantity.prometheus)({"tenant": self.tenant})
            for name, quantity in self.scenario.quantities.items()
            if quantity.prometheus
        }


@contextmanager
def panel(
    scenario: Scenario,
    environment: Environment,
    tenant: str,
    folder: RunFolder,
    fresh: bool,
) -> Iterator[Panel]:
    """Connect to every witness that the environment has."""
    with ExitStack() as held:
        witness = None
        if environment.prometheus:
            queries = held.enter_context(
                closing(PrometheusQueries(environment.prometheus, environment.network))
            )
            jobs = [service.job or name for name, service in environment.services.items()]
            witness = PrometheusWitness(queries, jobs, folder)
        yield Panel(scenario, environment, tenant, folder, witness, fresh)
