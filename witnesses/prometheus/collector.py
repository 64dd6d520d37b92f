"""Collect Prometheus' raw samples of one run, after a barrier on either side of it.

Before the first request: every target has been scraped twice, or every process is new. After the
last response: every target has been scraped, and the figures are unchanged over two more scrapes.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial

from config.clock import CLOCK
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.objectives import PromqlCheck
from witnesses.model import CountedQuantity, Moment
from witnesses.prometheus.check_query import CheckQuery, is_without_data, response_of
from witnesses.prometheus.client import ClockSet, PrometheusClient, PrometheusDown
from witnesses.prometheus.collection import COLLECTION_FILE, CollectionRecord
from witnesses.prometheus.increase import QUIET_PAGES, QUIET_SCRAPES
from witnesses.prometheus.pace import Pace
from witnesses.prometheus.push_watch import PushWatch
from witnesses.prometheus.sample_collector import SampleCollector, Standstill
from witnesses.prometheus.scrape_watch import SCRAPES_BEFORE, ScrapeWatch
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.prometheus.settling import Settling, discovery_delay_s
from witnesses.target_labels import job_matcher

_POLL_S = 0.05
_CLOCK_MARGIN_S = 0.01
_NEXT_SCRAPE_RATIO = 1.25
_OLDEST_PAGE_S = 30.0  # that is waited for, by the timestamps of its samples
_NEW_SERIES_S, _NEW_SERIES_POLL_S = 10.0, 0.5


class PrometheusCollector:
    """Collects from Prometheus during one run.

    `fresh` means that all services were started for this run: their counters began at zero, so they
    need no baseline and no wait. Only the `targets` of the environment's services matter.
    `is_silent` means that this Prometheus is itself under test. A new series shows in a query
    within `new_series_s` and a few lags.
    """

    def __init__(
        self,
        client: PrometheusClient,
        targets: ServiceTargets,
        folder: RunFolder,
        quantities: Iterable[CountedQuantity] = (),
        *,
        promql: Iterable[PromqlCheck] = (),
        tenant: str = "",
        fresh: bool = False,
        is_silent: bool = False,
        is_tenant_new: bool = False,
        awaits_all: bool = True,
        new_series_s: float = _NEW_SERIES_S,
    ) -> None:
        """Ask nothing yet."""
        self._client = client
        self._folder = folder
        self._service_targets = targets
        self._targets = job_matcher(targets.jobs.values(), targets.match)
        self._quantities = [each for each in quantities if each.settings.prometheus]
        self._settle_s = max((each.settings.settle for each in self._quantities), default=0.0)
        self._promql, self._tenant = tuple(promql), tenant
        self._samples: SampleCollector | None = None
        self._standstill = Standstill(False, 0.0)
        self._new_series_s = new_series_s
        self._is_silent = is_silent
        self._last_response_at = 0.0
        jobs = targets.scraped_jobs if awaits_all else targets.awaited_jobs(self._quantities)
        self._pace = Pace(client, jobs, fresh=fresh, others=targets.scraped_jobs)
        self._scrapes = ScrapeWatch(client, self._pace, jobs)
        self._pushes = PushWatch(client, targets, self._pace.now)
        self.collection = CollectionRecord(
            fresh=fresh, jobs=targets.jobs, instances=targets.instances,
            discovered=targets.discovered, pushed=targets.pushed, is_tenant_new=is_tenant_new,
            not_awaited=sorted(targets.scraped_jobs - jobs),
        )  # fmt: skip

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Wait at the barrier of a moment, and collect.

        A second call after the run waits until the figures have moved and come to rest again.
        """
        if moment is Moment.BEFORE:
            self.wait_for_baseline()
            return
        if self._samples is None:
            self.collect_samples(self._last_response_at or CLOCK.now_at())
        else:
            self.collect_moved_samples()
        self._collect_promql(folder)

    def learn_settling(self) -> Settling | None:
        """Ask what settling will take, before the run; None where it is not known yet."""
        try:
            self._pace.learn(is_early=self.collection.fresh)
            self._pushes.learn()
        except PrometheusDown:
            return None  # the baseline keeps the error
        return self.settling

    @property
    def settling(self) -> Settling | None:
        """What settling will take, as far as it is known."""
        pace, pushes = self._pace, self._pushes
        delay_s = self._delay_s + pace.lag_s
        if pushes.interval_s > pace.interval_s:
            return Settling(pushes.interval_s, delay_s, pushes.slowest)
        return Settling(pace.interval_s, delay_s) if pace.is_interval_known else None

    @property
    def _delay_s(self) -> float:
        """How long after the last response the scrapes that settle a run begin."""
        are_discovered = bool(self._service_targets.discovered) and not self.collection.fresh
        return max(self._settle_s, discovery_delay_s(self._pace.interval_s) * are_discovered)

    def wait_for_baseline(self) -> None:
        """Wait until every target has been scraped twice, within a bound."""
        try:
            self._pace.learn(is_early=self.collection.fresh)
            if not self.collection.fresh:
                _wait(self._pace.discovery_deadline(), self._scrapes.are_targets_known)
                _wait(self._pace.deadline(), self._scrapes.have_baseline)
                self._pace.refuse_future_samples()
                self._pushes.learn()
                if self._pushes.is_needed:
                    _wait(self._pushes.baseline_deadline(), self._pushes.has_baseline, self._poll_s)
            if self._is_silent:
                self._sleep_scrapes(SCRAPES_BEFORE)
        except PrometheusDown as error:
            self._keep_error(error)
        self.collection = replace(self.collection, begin=self._pace.earliest_now())
        try:
            if not self.collection.error:
                self._pushes.begin(self.collection.begin, self._quantities, self._folder)
        except PrometheusDown as error:
            self._keep_error(error)
        self._write()

    #     last response      end             settled_at
    #     ───────│────────────│───────────────│──s──s──s──▶     s: a successful scrape
    #            skew, margin   longest settle   QUIET_SCRAPES of each target that is up
    def collect_samples(self, last_response_at: float) -> None:
        """Wait until the figures have settled, and collect the raw samples of each quantity.

        `last_response_at` is on our clock, in epoch seconds. A quantity with a `settle` is at rest
        only after that; those that others count on all the time are not waited for.
        """
        self.collection = replace(self.collection, at=max(self._pace.now(), self.collection.begin))
        if self.collection.is_clock_set:
            self._write()
            return
        try:
            self._pace.learn_skew()
            end = last_response_at + self._pace.latest_skew_s + _CLOCK_MARGIN_S
            settled_at = end + self._delay_s
            self.collection = replace(self.collection, end=end, at=self._pace.now())
            deadline = self._deadline() + max(0.0, settled_at - self._pace.now())
            _wait(deadline, lambda: self._scrapes.have_settled(settled_at), self._poll_s)
            _wait(deadline, lambda: self._pushes.have_settled(settled_at), self._poll_s)
            self._pace.learn()
            self._samples = self._open_samples()
            self._samples.take_until(end)
            self._standstill = self._take_at_scrapes(deadline, lambda state: state.is_still)
            self._pace.learn_skew()
            self._pace.refuse_future_samples()
        except PrometheusDown as error:
            self._keep_error(error)
        self._write()

    def _open_samples(self) -> SampleCollector:
        """Return a collector of the samples since three scrapes before the first request."""
        # Back over two scrapes before the first request, and one to spare.
        longest_s = max(self._interval_s, self._pace.longest_s)
        pace = self.collection.begin - 3 * longest_s - 1, self._interval_s
        targets = [series.labels for series in self._scrapes.ups()]
        selectors = {
            each.name: self._service_targets.selector(each, targets) for each in self._quantities
        }
        moving = [each.name for each in self._quantities if each.has_other_traffic]
        native = [each.name for each in self._quantities if each.is_native]
        return SampleCollector(
            self._client, self._folder, self._targets, selectors, pace, moving, native=native,
            watch=self._pushes if self._pushes.is_needed else None,
        )  # fmt: skip

    def collect_moved_samples(self) -> None:
        """Wait until the figures have moved and come to rest again, within a bound; collect all.

        The evidence then holds the scrapes of both times. If Prometheus fails, the first stand; if
        its clock was set, none does.
        """
        if self.collection.error or self._samples is None:
            return
        before = self._standstill
        try:
            self._standstill = self._take_at_scrapes(
                self._deadline(), lambda state: state.is_still and state.total != before.total
            )
            self._pace.learn_skew()
        except ClockSet as error:
            self._keep_error(error)
        except PrometheusDown:
            return
        self._write()

    def wait_silently(self, settle_s: float) -> None:
        """Wait without a query until every target was scraped after the last response.

        For a Prometheus under test: the harness' queries would be in the counters of those scrapes.
        """
        self._last_response_at = CLOCK.now_at()
        time.sleep(settle_s)
        self._sleep_scrapes(QUIET_SCRAPES)

    def _sleep_scrapes(self, number: int) -> None:
        """Sleep until `number` scrapes have been made from now on, each answered."""
        time.sleep((number + 1) * self._pace.interval_s)

    def query(self, promql: str) -> str:
        """Evaluate a query as of the collection; return the response. Raises PrometheusDown."""
        if self.collection.error:
            raise PrometheusDown(self.collection.error)
        return self._client.query(promql, self.collection.at).text

    def _collect_promql(self, folder: RunFolder) -> None:
        """Evaluate every check's query over the window of the run.

        A query without data is asked again for a while: VictoriaMetrics shows the first samples of
        a new series seconds after those of others.
        """
        match, window = self._service_targets.match, self.collection.window
        deadline = time.monotonic() + self._new_series_s + self._pace.patience_for_lag_s
        for number, check in enumerate(self._promql):
            query = CheckQuery.of_check(check, match, self._tenant, window)
            response = response_of(self.query, query.text)
            while is_without_data(response) and time.monotonic() < deadline:
                time.sleep(_NEW_SERIES_POLL_S)
                response = response_of(self.query, query.text)
            folder.write_witness_file(f"promql-{number}.json", query.recorded(response))

    def _keep_error(self, error: PrometheusDown) -> None:
        is_clock_set = isinstance(error, ClockSet)
        self.collection = replace(self.collection, error=str(error), is_clock_set=is_clock_set)

    def _write(self) -> None:
        pace = self._pace
        self.collection = replace(
            self.collection, skew_s=pace.skew_s, interval_s=self._interval_s, version=pace.version,
            settling_s=settling.duration_s if (settling := self.settling) else 0.0,
        )  # fmt: skip
        self._pushes.write(self._folder)
        _write_record(self._folder, self.collection)

    @property
    def _interval_s(self) -> float:
        """The longest interval of scrapes and pushes."""
        return max(self._pace.interval_s, self._pushes.interval_s)

    @property
    def _poll_s(self) -> float:
        return self._pushes.poll_s if self._pushes.is_needed else _POLL_S

    def _deadline(self) -> float:
        return max(self._pace.deadline(), self._pushes.deadline())

    def _take_at_scrapes(
        self, deadline: float, is_enough: Callable[[Standstill], bool]
    ) -> Standstill:
        """Take the last window, once per scrape, until it is enough or the time has passed.

        Pages that are older than a scrape, by timestamps of their own, have as much more time.
        """
        state = self._take_last()
        deadline += QUIET_PAGES * min(state.page_age_s, _OLDEST_PAGE_S)
        while not is_enough(state) and time.monotonic() < deadline:
            _wait(deadline, partial(self._scraped_since, self.collection.at), self._poll_s)
            state = self._take_last()
        return state

    def _take_last(self) -> Standstill:
        if self._samples is None:
            raise PrometheusDown("Prometheus was not read after the run")
        # In whole milliseconds, as queries have their time: `at` is then the time of these samples.
        at = round(self._pace.now(), 3)
        state = self._samples.take_last(at, self.collection.end)
        self.collection = replace(self.collection, at=at, windows=self._samples.ends)
        return state

    def _scraped_since(self, at: float) -> bool:
        """Return whether all were scraped since; targets that vanished are not waited for."""
        if self._pace.now() > at + _NEXT_SCRAPE_RATIO * self._interval_s:
            return True
        return self._pushes.have_pushed_since(at) and self._scrapes.were_scraped_since(at)


def write_absence(folder: RunFolder) -> None:
    """Record that the environment has no Prometheus, so that none is missed."""
    error = "the environment has no Prometheus"
    _write_record(folder, CollectionRecord(error=error, is_declared_absent=True))


def _write_record(folder: RunFolder, record: CollectionRecord) -> None:
    content = json.dumps(asdict(record), indent=1)
    folder.write_witness_file(f"prometheus/{COLLECTION_FILE}", content.encode())


def _wait(deadline: float, is_so: Callable[[], bool], poll_s: float = _POLL_S) -> None:
    while not is_so() and time.monotonic() < deadline:
        time.sleep(poll_s)
