"""Ask every witness of an environment: before the first request, and after the last response."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from config.clock import CLOCK
from config.environment import PER_RUN, Environment
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Scenario
from witnesses.api.collector import ApiCollector
from witnesses.api.reading import is_collected as is_api_collected
from witnesses.database.collector import DatabaseCollector
from witnesses.health.collector import collect_health
from witnesses.histograms import buckets_of, natives_of
from witnesses.model import Collector, CountedQuantity, Moment
from witnesses.process_identity import START_TIME_MARGIN_S
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.collector import PrometheusCollector, write_absence
from witnesses.prometheus.increase import GRACE_S
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.prometheus.settling import Settling
from witnesses.service.collector import ServiceCollector
from witnesses.service.reading import is_collected, latest_start_time
from witnesses.service.single_process import LOOKS_S
from witnesses.target_labels import address_of, instance_of

# A cache of 20 s, or an OpenTelemetry SDK, which exports once in 60 s by default.
CACHED_PAGE_S = 65.0
FRESH_CACHED_PAGE_S = 25.0  # of what was started for the run: the reference services export nothing
LATE_COUNTS_S = 8.0
BASELINE_S = 4.0
# Health, preflight and baseline take no longer than this and the time of two scrapes: the one that
# is begun last, and the one at the end of the baseline.
PRECONDITIONS_S = 5.0

_CLOCK_STEP_S = 0.01


@dataclass(frozen=True)
class Collectors:
    """The collectors of one run, in the order in which they are asked after it.

    Prometheus' barrier comes first: what it waits for, the others then report too. `fresh` means
    that every service was started for this run. Without a Prometheus, the first collection after
    the run is `settle_s` seconds later, or the grace if that is longer. `cached_page_s` is for how
    long a page that may come from a cache is read again. `is_self_observed` means that Prometheus
    is itself a service under test: it is then asked last, and only once. `contacted` are the
    services that the flow sends to, if that is known.
    """

    environment: Environment
    tenant: str
    folder: RunFolder
    in_order: tuple[Collector, ...]
    fresh: bool
    settle_s: float = 0.0
    is_self_observed: bool = False
    cached_page_s: float = CACHED_PAGE_S
    late_counts_s: float = LATE_COUNTS_S
    opened_s: float = field(default_factory=time.monotonic)
    contacted: frozenset[str] | None = None

    def collect_health(self, moment: Moment) -> None:
        """Ask every service for its health."""
        collect_health(self.environment, self.tenant, moment, self.folder, self.contacted)

    def learn_settling(self) -> Settling | None:
        """Ask what settling will take; None without a Prometheus whose pace is known by now."""
        return self._prometheus.learn_settling() if self.environment.prometheus else None

    @property
    def settling(self) -> Settling | None:
        """What settling will take, as far as it is known."""
        return self._prometheus.settling if self.environment.prometheus else None

    def api_settling(self) -> dict[str, float]:
        """Return how long each usage API settles after the last response, in seconds."""
        return {
            name: settle_s for each in self._of_apis for name, settle_s in each.settle_s.items()
        }

    def collect(self, moment: Moment) -> None:
        """Ask every witness. May be repeated after the run, to tell late counts from lost ones."""
        if moment is Moment.AFTER:
            for each in self._of_apis:
                each.begin_settling()
            self._let_settle()
        self._services.looks_s = self._looks_s(moment)
        for collector in self._order(moment):
            if self._is_fresh_begin(moment) and isinstance(collector, PrometheusCollector):
                # Start times are in whole seconds: a process must be older to count as there
                # before. A service on another machine, whose clock is ahead, is not waited for.
                ready_at = latest_start_time(self.folder) + START_TIME_MARGIN_S + _CLOCK_STEP_S
                time.sleep(min(max(0.0, ready_at - CLOCK.now_at()), START_TIME_MARGIN_S))
            collector.collect(moment, self.folder)
            if moment is Moment.AFTER and _has_failed(collector) and not self.is_self_observed:
                self._sleep_until_settled()  # a barrier that failed has waited for nothing

    def _looks_s(self, moment: Moment) -> float:
        """Return how long further scrapes may be begun."""
        if moment is Moment.AFTER:
            return LOOKS_S
        return max(LOOKS_S, PRECONDITIONS_S - (time.monotonic() - self.opened_s))

    def _order(self, moment: Moment) -> tuple[Collector, ...]:
        """Return the collectors in the order of a moment.

        Usage APIs may be watched for minutes before the run; their limits of rate are not spent on
        what counters may have late.
        """
        others = (each for each in self._counters(moment) if not isinstance(each, ApiCollector))
        if moment is Moment.BEFORE:
            return (*self._of_apis, *others)
        is_again = is_api_collected(self.folder, Moment.AFTER)
        return (*others, *(() if is_again else self._of_apis))

    def _counters(self, moment: Moment) -> tuple[Collector, ...]:
        if self._is_fresh_begin(moment):
            # a fresh Prometheus waits for nothing; its begin must come after the others' baseline
            return self.in_order[::-1]
        if moment is Moment.AFTER and self.is_self_observed:
            # the page of a Prometheus under test is scraped before the harness queries it
            return (*self.in_order[1:], self.in_order[0])
        return self.in_order

    def _is_fresh_begin(self, moment: Moment) -> bool:
        return self.fresh and moment is Moment.BEFORE

    def _let_settle(self) -> None:
        """Wait for what is counted some time after the response, where no Prometheus does."""
        if self.is_self_observed:
            self._prometheus.wait_silently(self.settle_s)
        elif self.environment.prometheus is None:
            self._sleep_until_settled()

    def _sleep_until_settled(self) -> None:
        again = is_collected(self.folder, Moment.AFTER)
        time.sleep(GRACE_S if again else max(GRACE_S, self.settle_s))

    def attempts(self) -> Iterator[bool]:
        """Yield for each further time that is worth asking: whether it is for a late count.

        That is once, and again for as long as a page may come from a cache: it was the same in
        every scrape; likewise for as long as Prometheus may yet learn of a new replica. Where no
        Prometheus waits for late counts, it goes on for some seconds. As long, False is yielded
        where it is: a counter on which others count then moves again.
        """
        if self.is_self_observed:
            return  # by now, the harness' own queries are in the counters
        begun_s = time.monotonic()
        yield True
        while (waited_s := time.monotonic() - begun_s) < self.cached_page_s:
            is_early = waited_s < self.late_counts_s
            may_be_cached = self._services.may_be_cached
            if (is_early and not self._has_barrier) or may_be_cached or self._is_discovered:
                yield True
            elif is_early:
                time.sleep(GRACE_S)
                yield False
            else:
                return

    def further_records(self) -> Iterator[None]:
        """Yield for some seconds, each time that it is worth asking databases and APIs again.

        They may be replicas that lag behind, or be written by a job after the response.
        """
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < self.late_counts_s:
            yield
            time.sleep(GRACE_S)

    def collect_records(self) -> None:
        """Ask the databases and usage APIs alone once more, after the run."""
        for collector in self.in_order:
            if isinstance(collector, DatabaseCollector | ApiCollector):
                collector.collect(Moment.AFTER, self.folder)

    @property
    def _of_apis(self) -> tuple[ApiCollector, ...]:
        return tuple(each for each in self.in_order if isinstance(each, ApiCollector))

    @property
    def _has_barrier(self) -> bool:
        """Whether a Prometheus waited for late counts."""
        return self.environment.prometheus is not None and not any(map(_has_failed, self.in_order))

    @property
    def _is_discovered(self) -> bool:
        """Whether Prometheus may learn of a replica late: http_sd asks once a minute by default.

        A stack that was started for the run is not scaled.
        """
        services = self.environment.services.values()
        return not self.fresh and any(each.is_discovered for each in services)

    @property
    def _prometheus(self) -> PrometheusCollector:
        return next(each for each in self.in_order if isinstance(each, PrometheusCollector))

    @property
    def _services(self) -> ServiceCollector:
        return next(each for each in self.in_order if isinstance(each, ServiceCollector))


def _has_failed(collector: Collector) -> bool:
    return isinstance(collector, PrometheusCollector) and bool(collector.collection.error)


def is_under_test(environment: Environment) -> bool:
    """Return whether the Prometheus that is asked is itself a service of the environment."""
    prometheus = environment.prometheus
    return prometheus is not None and any(
        address_of(instance_of(prometheus.url)) == address_of(instance_of(url))
        for service in environment.services.values()
        for url in (service.url, *service.metrics_urls())
    )


def _of_records(
    environment: Environment, quantities: Sequence[CountedQuantity], tenant: str
) -> Iterator[Collector]:
    """Yield the collectors of what keeps records: databases, and usage APIs if any is asked."""
    yield DatabaseCollector(environment.databases, quantities, tenant)
    if any(quantity.settings.api for quantity in quantities):
        yield ApiCollector(
            environment.apis, environment.network, quantities,
            has_new_tenant=environment.tenant == PER_RUN,
        )  # fmt: skip


@contextmanager
def open_collectors(
    scenario: Scenario, environment: Environment, tenant: str, folder: RunFolder, *,
    fresh: bool, baseline_s: float = BASELINE_S,
) -> Iterator[Collectors]:  # fmt: skip
    """Connect to every witness that the environment has.

    Without a Prometheus, counters are watched for `baseline_s` seconds before the first request.
    """
    quantities = [
        CountedQuantity(name, settings, tenant, environment.exclusive)
        for name, settings in scenario.quantities.items()
    ]
    quantities += buckets_of(scenario, tenant, is_exclusive=environment.exclusive)
    # Prometheus' baseline is longer, and nobody else counts on what was started for the run.
    is_watched = fresh or environment.prometheus is not None
    is_watched |= all(each.has_other_traffic for each in quantities)
    is_self_observed = is_under_test(environment)
    with ExitStack() as held:
        client = None
        if environment.prometheus:
            client = PrometheusClient(environment.prometheus, environment.network)
            held.enter_context(closing(client))
        services = ServiceCollector(
            environment, quantities, 0.0 if is_watched else baseline_s, client=client
        )
        in_order: list[Collector] = [services, *_of_records(environment, quantities, tenant)]
        if client:
            prometheus = PrometheusCollector(
                client, ServiceTargets.of_environment(environment), folder,
                (*quantities, *natives_of(scenario, tenant, is_exclusive=environment.exclusive)),
                promql=scenario.checks.promql, tenant=tenant, fresh=fresh,
                is_silent=is_self_observed, is_tenant_new=environment.has_new_tenant,
                awaits_all=bool(scenario.checks.promql or scenario.checks.server_latency),
            )  # fmt: skip
            in_order.insert(0, prometheus)
        else:
            write_absence(folder)
        settle_s = max((each.settings.settle for each in quantities), default=0.0)
        cached_page_s = FRESH_CACHED_PAGE_S if fresh else CACHED_PAGE_S
        yield Collectors(
            environment, tenant, folder, tuple(in_order), fresh, settle_s, is_self_observed,
            cached_page_s, contacted=scenario.contacted_services,
        )  # fmt: skip
