"""Collect the raw samples of a run in windows of time, each response of a bounded size."""

import math
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from scenarios.evidence.run_folder import RunFolder
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.increase import QUIET_SCRAPES, is_quiet
from witnesses.prometheus.push_watch import PushWatch
from witnesses.prometheus.pushes import QUIET_PUSHES, InstancePushes
from witnesses.prometheus.samples import (
    Sample,
    ScrapeTimes,
    Target,
    has_own_timestamps,
    raw_series,
    read_series,
    scrapes_of,
    target_of,
)
from witnesses.prometheus.windows import DURATIONS, SAMPLE_COUNTS, START_TIMES, UP, file_name

# About 10 MB of a response, beside its labels. Prometheus refuses more than fifty million.
MAX_SAMPLES = 500_000
_BUCKETS = 100  # of a sample of a native histogram; its buckets are at most 160, as a rule
_FIRST_SCRAPES = 60
_FEWEST_SCRAPES = 8
# The next window is sized by the samples of the last one; a window that holds too many is at least
# halved, so that few queries find a length that fits.
_MOST_LONGER = 4.0
_AT_LEAST_SHORTER = 0.5

# A range is closed at both ends up to Prometheus 2, and open at its start since: windows overlap,
# and their reader skips what it has seen.
#     window 1   ├───────────────┤ end
#     window 2           ├───────┼───────────────┤        ├───────┤ at least _OVERLAP_S
_OVERLAP_S = 1.0
# Remote write and new series take this long at most to show in a query, as a rule.
_LAST_TO_BE_VISIBLE_S = 15.0
_SCRAPES_TO_BE_VISIBLE = 15
# A series that lacks this many of its target's last scrapes is late; one that lacks more has ended.
_SCRAPES_LATE = 2


class Standstill(NamedTuple):
    """Whether all series are at rest after the last response, and the sum of their last values.

    `page_age_s` is how far apart the pages are that show them, where these have timestamps of
    their own.
    """

    is_still: bool
    total: float
    page_age_s: float = 0.0


class SampleCollector:
    """Collects the samples of one run: closed windows, and a last one, again until all is at rest.

    Nothing is lost between two windows; what lies in both is twice in the evidence.
    """

    def __init__(
        self,
        client: PrometheusClient,
        folder: RunFolder,
        targets: str,
        selectors: Mapping[str, str],
        pace: tuple[float, float],
        moving: Collection[str] = (),
        max_samples: int = MAX_SAMPLES,
        *,
        native: Collection[str] = (),
        watch: PushWatch | None = None,
    ) -> None:
        """Take nothing yet; `targets` is a label matcher in braces.

        `pace` is since when samples matter (epoch seconds), and the scrape interval in seconds.
        Quantities among the `moving` are not waited for; those among the `native` are histograms. A
        response has about `max_samples` at most, or a few scrapes if those have more. `watch` knows
        which series are pushed, and when.
        """
        self._watch = watch
        self._max_samples = max_samples
        self._client = client
        self._folder = folder
        self._scrape_logs = {
            UP: f"up{targets}",
            START_TIMES: f"process_start_time_seconds{targets}",
            DURATIONS: f"scrape_duration_seconds{targets}",
            SAMPLE_COUNTS: f"scrape_samples_scraped{targets}",
        }
        self._quantities = {f"quantity-{name}": each for name, each in selectors.items()}
        self._native = {selectors[name] for name in native}
        self._moving = {f"quantity-{name}" for name in moving}
        self._since, self._interval_s = pace
        self._length_s = _FIRST_SCRAPES * self._interval_s
        self._closed: list[float] = []
        self._last: float | None = None

    @property
    def ends(self) -> tuple[float, ...]:
        """The end of each window (epoch seconds)."""
        return (*self._closed, *([] if self._last is None else [self._last]))

    def take_until(self, until: float) -> None:
        """Collect closed windows while more lies before an instant than one response should hold.

        A series that is new may be visible only some seconds after its samples were taken, so that
        the last seconds are left to the last window. Raises PrometheusDown.
        """
        until -= min(_LAST_TO_BE_VISIBLE_S, _SCRAPES_TO_BE_VISIBLE * self._interval_s)
        while (end := self._next_end(until)) < until:
            self._take(end, math.inf)
            self._closed.append(end)
            self._since = end

    def take_last(self, at: float, end: float) -> Standstill:
        """Collect the last window, once more if it was before; return the standstill after `end`.

        Raises PrometheusDown.
        """
        rest = self._take(at, end)
        self._last = at
        return rest

    def _take(self, at: float, end: float) -> Standstill:
        """Collect one window. The targets are queried first and written last.

        So no scrape is known whose samples are not, even if a later query fails.
        """
        of_targets = {name: self._ask(query, at) for name, query in self._scrape_logs.items()}
        rests, scrapes = [], scrapes_by_target(of_targets[UP])
        for name, query in self._quantities.items():
            response = self._ask(query, at)
            self._write(name, response)
            if end < math.inf and name not in self._moving:
                rests.append(_rest(response, scrapes, end, self._watch))
        for name, response in of_targets.items():
            self._write(name, response)
        return Standstill(
            all(each.is_still for each in rests),
            math.fsum(each.total for each in rests),
            max((each.page_age_s for each in rests), default=0.0),
        )

    def _ask(self, query: str, at: float) -> bytes:
        """Query raw samples. Raises PrometheusDown also where the response may not be whole."""
        response = self._client.query(f"{query}[{self._range(at)}]", at)
        if response.warnings:
            raise PrometheusDown(f"Prometheus warned: {response.warnings[0][:200]}")
        return response.content

    def _write(self, name: str, response: bytes) -> None:
        number = len(self._closed) + 1
        self._folder.write_witness_file(f"prometheus/{file_name(name, number)}", response)

    def _next_end(self, until: float) -> float:
        """Return how far a response of a bounded size reaches, at most to an instant."""
        left_s, fewest_s = until - self._since, _FEWEST_SCRAPES * self._interval_s
        length_s, longer = min(self._length_s, left_s), _MOST_LONGER
        queries = [*self._scrape_logs.values(), *self._quantities.values()]
        while length_s > fewest_s:
            end = round(self._since + length_s, 3)
            counted = max(self._counted_of(query, end) for query in queries)
            longer = min(_MOST_LONGER, self._max_samples / max(counted, 1))
            if counted <= self._max_samples:
                break
            length_s = max(fewest_s, length_s * min(_AT_LEAST_SHORTER, longer))
        self._length_s = max(fewest_s, length_s * longer)
        return until if length_s >= left_s else round(self._since + length_s, 3)

    def _counted_of(self, query: str, end: float) -> float:
        """Count samples; if a server refuses, fetch them in windows of an unchanged length."""
        try:
            response = self._client.query(f"sum(count_over_time({query}[{self._range(end)}]))", end)
            weight = _BUCKETS if query in self._native else 1
            return weight * float(response.result[0]["value"][1]) if response.result else 0.0
        except (PrometheusDown, LookupError, TypeError, ValueError):
            return self._max_samples

    def _range(self, at: float) -> str:
        return f"{math.ceil(at - self._since + _OVERLAP_S)}s"


def _rest(
    response: bytes,
    scrapes: Mapping[Target, ScrapeTimes],
    end: float,
    watch: PushWatch | None = None,
) -> Standstill:
    """Return whether all series rest; one that ended with its target does not move either."""
    is_still, total, page_age_s = True, 0.0, 0.0
    pushes = watch.by_target() if watch else {}
    try:
        for each in raw_series(response):
            target = watch.targets.target_of(each.labels) if watch else target_of(each.labels)
            of_target = scrapes.get(target, ())
            if each.samples and not _is_at_rest(each.samples, of_target, end, pushes.get(target)):
                is_still = False
            if has_own_timestamps(each.samples[-2:], of_target):
                page_age_s = max(page_age_s, each.samples[-1][0] - each.samples[-2:][0][0])
            if each.samples and each.samples[-1][0] > end:
                value = each.samples[-1][1]
                total += value if math.isfinite(value) else 0.0
    except ValueError as error:
        raise PrometheusDown("Prometheus does not respond with raw samples") from error
    return Standstill(is_still, total, page_age_s)


def _is_at_rest(
    samples: Sequence[Sample], scrapes: ScrapeTimes, end: float, pushes: InstancePushes | None
) -> bool:
    """Return whether a series rests after `end`, or has ended."""
    if pushes:
        last = [value for at, value in samples if at > pushes.settled_from(end)][-QUIET_PUSHES:]
        has_stopped = pushes.has_ended or pushes.is_replaced
        return has_stopped or (len(last) == QUIET_PUSHES and len(set(last)) == 1)
    if _is_late(samples, scrapes, end):
        return False
    is_own = has_own_timestamps(samples, scrapes)
    return samples[-1][0] <= end or is_quiet(samples[-QUIET_SCRAPES:], end, is_own=is_own)


def _is_late(samples: Sequence[Sample], scrapes: ScrapeTimes, end: float) -> bool:
    """Return whether the last samples of a series have yet to show, though its target is scraped.

        scrape   ──s────s────s────s──▶ now
        series     ●    ●              two are missing: not visible yet
                 ●                     timestamps of its own, none after the last response yet

    One without a sample since the last response may also have ended, with its process: it is waited
    for in vain.
    """
    if not scrapes or scrapes[-1] <= end:
        return False
    at = samples[-1][0]
    missing = len(scrapes) - bisect_right(scrapes, at)
    return at <= end or (at in scrapes and 0 < missing <= _SCRAPES_LATE)


def scrapes_by_target(response: bytes) -> dict[Target, list[float]]:
    """Return the instants of the successful scrapes of each target, from the series of `up`."""
    scrapes: dict[Target, list[float]] = {}
    try:
        for each in read_series(response):
            scrapes.setdefault(each.target, []).extend(scrapes_of(each.samples))
    except ValueError as error:
        raise PrometheusDown("Prometheus does not respond with raw samples") from error
    return {target: sorted(of_target) for target, of_target in scrapes.items()}
