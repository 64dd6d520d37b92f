"""Query Prometheus: every query with its evaluation time, every response kept verbatim."""

import math
import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from itertools import pairwise
from typing import Any

import msgspec
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from config.clock import CLOCK
from config.network import Network
from config.prometheus import Prometheus
from scenarios.http.bounded_json import UnboundedJson, decode_json
from witnesses.connection_errors import Refusal
from witnesses.prometheus.query_errors import (
    is_rejection,
    refusal_of_content,
    refusal_of_error,
    refusal_of_status,
)
from witnesses.prometheus.session import (
    MAX_RESPONSE_BYTES,
    PrometheusSession,
    ScrapeTargetJson,
)
from witnesses.target_labels import JOB, job_matcher

_SUCCESS = "success"
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BUILD_TIMEOUT_S = 2.0
_FUTURE_S = 86_400
# Where agents write to a backend, their clocks may be a little ahead of it.
CLOCKS_APART_S = 2.0
_MAX_VERSION_CHARACTERS = 200
# What is beyond these was not measured by a clock: it would be waited for in vain.
_MAX_INTERVAL_S = 3_600.0
_MAX_LAG_S = 3_600.0
_MAX_EPOCH_S = 1e11
_STAMPS_WINDOWS = ("1m", "5m", "15m")
# VictoriaMetrics otherwise evaluates a query 30 s before its time. Others ignore the parameter.
_AS_OF_ITS_TIME = {"nocache": "1"}
_ANYWHERE = Network()
# Twice what SampleCollector asks for: a sample is two values, and takes 120 bytes of memory.
MAX_VALUES = 2_000_000


class PrometheusDown(Exception):
    """Prometheus gave no usable response; the message says what came instead, and the remedy."""

    def __init__(self, what: str, remedy: str = "") -> None:
        """Keep the parts, for a report that shows them separately."""
        super().__init__(f"{what}; {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy


class QueryRejected(PrometheusDown):
    """Prometheus is up, and rejects the query: it cannot be parsed, or not be evaluated."""


class ClockSet(PrometheusDown):
    """Prometheus' clock was set, so its samples do not stand in the order in which they were taken.

    real time      1    2    3    4    5    6      set back between 3 and 4
    timestamps     1    2    3    1    2    3      what is not newer is refused
    """


@dataclass(frozen=True)
class QueryResponse:
    """One response of the query API: its bytes, verbatim, its warnings, and its resultType.

    A response that is marked as partial has a warning, too.
    """

    content: bytes
    warnings: list[str]
    found: msgspec.Raw
    asked: str
    kind: str = "vector"

    @property
    def values(self) -> list[float]:
        """The value of each series of an instant vector. Raises PrometheusDown."""
        try:
            return [float(each["value"][1]) for each in self.result]
        except (LookupError, ValueError, TypeError) as error:
            what = f"Prometheus at {self.asked} does not respond as Prometheus does"
            raise PrometheusDown(what) from error

    @property
    def text(self) -> str:
        """The response as text."""
        return self.content.decode(errors="replace")

    @cached_property
    def result(self) -> list[Any]:
        """The result of the query, decoded at the first use. Raises PrometheusDown."""
        what = f"Prometheus at {self.asked} does not respond as Prometheus does"
        try:
            result = decode_json(bytes(self.found))
        except UnboundedJson as error:
            raise PrometheusDown(f"{what}: {error}") from error
        except ValueError as error:
            raise PrometheusDown(what) from error
        if not isinstance(result, list):
            raise PrometheusDown(what)
        return result


class PrometheusClient:
    """A client of one Prometheus."""

    def __init__(
        self,
        settings: Prometheus,
        network: Network = _ANYWHERE,
        max_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """Connect at the first query. No retries: a failed query is a result, too."""
        self._settings = settings
        self._network = network
        self._session = PrometheusSession(settings, network, max_bytes)
        self._connection = PrometheusConnect(
            settings.url, session=self._session, timeout=settings.timeout
        )

    def targets_of(self, jobs: Iterable[str], label: str = JOB) -> str:
        """Return the matchers, in braces, of the targets of jobs, with those of the settings.

        `label` is the one that has the job.
        """
        return job_matcher(jobs, self._settings.match, label)

    def query(self, query: str, at: float | None) -> QueryResponse:
        """Evaluate a query at an instant (epoch seconds; None is now). Raises PrometheusDown."""
        params = _AS_OF_ITS_TIME if at is None else {"time": f"{at:.3f}", **_AS_OF_ITS_TIME}
        self._session.last = None
        # An exception's own text may quote secrets of request or response, hence `from None`.
        try:
            found = self._connection.custom_query(query, params=params)
        except PrometheusApiClientException:
            response = self._session.last
            if response is None:
                raise self._down(Refusal("gave no response")) from None
            down = self._down(refusal_of_status(response, self._settings))
            raise (
                QueryRejected(down.what, down.remedy) if is_rejection(response) else down
            ) from None
        except (ValueError, KeyError, TypeError):
            raise self._down(refusal_of_content(self._session.last, self._settings)) from None
        except OSError as error:
            raise self._down(refusal_of_error(error, self._settings, self._network)) from None
        return self._query_response(found)

    def clock_skew_s(self) -> float:
        """Return Prometheus' clock minus ours in seconds. Raises PrometheusDown."""
        # Prometheus evaluated the query at some moment between the two readings of our clock:
        #     ours         before ├──────────────┤ after
        #     Prometheus           ──── value ────          skew = value - middle
        before = CLOCK.now_at()
        value: Any = self.query("time()", None).result
        try:
            if isinstance(value[0], dict):  # VictoriaMetrics, whose time() is in whole seconds
                before = CLOCK.now_at()
                value = self.query("now()", None).result[0]["value"]
            return _instant(value[1]) - (before + CLOCK.now_at()) / 2
        except (LookupError, ValueError, TypeError):
            raise self._down(refusal_of_content(self._session.last, self._settings)) from None

    def has_future_samples(self, jobs: Iterable[str], now: float) -> bool:
        """Return whether `up` has samples of the day after `now`, Prometheus' own clock.

        So it is once that clock was set back: until it has caught up, new samples are refused, and
        old ones are taken for present ones. Raises PrometheusDown.
        """
        query = f"sum(count_over_time(up{self.targets_of(jobs)}[{_FUTURE_S}s]))"
        result = self.query(query, now + CLOCKS_APART_S + _FUTURE_S).result
        try:
            return bool(result) and float(result[0]["value"][1]) > 0
        except (LookupError, ValueError, TypeError):
            raise self._down(refusal_of_content(self._session.last, self._settings)) from None

    def active_targets(self) -> list[ScrapeTargetJson] | None:
        """Return the targets that are scraped, or None where they are not reported."""
        match = self._settings.match.items()
        try:
            targets = self._connection.get_targets("active")["activeTargets"]
            return [each for each in targets if match <= each.get("labels", {}).items()]
        except (PrometheusApiClientException, OSError, ValueError, KeyError, TypeError):
            return None

    def intervals_s(self, jobs: Iterable[str] = ()) -> dict[str, float | None] | None:
        """Return the scrape interval of each job that has targets, in seconds, None if unknown.

        Where targets are not reported, as by Thanos and Mimir, or none of `jobs`, as by a backend
        of remote write, or without their interval, that of each of `jobs` is computed from what
        was scraped; without `jobs` the result is None. Raises PrometheusDown only where an
        interval is computed.
        """
        jobs = list(jobs)
        reported = self._reported_intervals_s()
        if jobs and reported is not None and not any(job in reported for job in jobs):
            stamped = self.stamped_intervals_s(jobs)
            return {**reported, **{job: each for job, each in stamped.items() if each}}
        wanted = [job for job in jobs if reported is None or reported.get(job, 0.0) is None]
        if reported is None and not wanted:
            return None
        return {**(reported or {}), **self.stamped_intervals_s(wanted)}

    def lag_s(self, jobs: Iterable[str], interval_s: float, now: float) -> float:
        """Return how long after its scrape a sample shows in a query, in seconds, at least 0.

        `now` is on Prometheus' clock. Raises PrometheusDown.
        """
        # A scrape is up to one interval old; what its age is beyond that is the lag.
        result = self.query(f"max(timestamp(up{self.targets_of(jobs)}))", now).result
        try:
            lag_s = now - _instant(result[0]["value"][1]) - interval_s if result else 0.0
            if lag_s > _MAX_LAG_S:
                raise ValueError("a sample that no query shows any more")
            return max(0.0, lag_s)
        except (LookupError, ValueError, TypeError):
            raise self._down(refusal_of_content(self._session.last, self._settings)) from None

    def stamped_intervals_s(self, jobs: Iterable[str]) -> dict[str, float | None]:
        """Return the median time between two samples of each job's `up`, in seconds.

        It is None for a job without two samples in the last quarter of an hour. Raises
        PrometheusDown.
        """
        intervals_s: dict[str, float | None] = dict.fromkeys(jobs)
        for window in _STAMPS_WINDOWS:
            unknown = [job for job, interval_s in intervals_s.items() if interval_s is None]
            if unknown:
                response = self.query(f"up{self.targets_of(unknown)}[{window}]", None)
                intervals_s |= self._median_gaps_s(response)
        return intervals_s

    def fetch(self, path: str, parameters: Mapping[str, str]) -> Any:
        """Return the data of a path below /api/v1 other than a query. Raises PrometheusDown."""
        url = f"{self._settings.url}/api/v1/{path}"
        try:
            response = self._session.get(url, params=parameters, timeout=self._settings.timeout)
        except OSError as error:
            raise self._down(refusal_of_error(error, self._settings, self._network)) from None
        if response.status_code != HTTPStatus.OK:
            raise self._down(refusal_of_status(response, self._settings))
        try:
            body = decode_json(response.content)
            if body.get("status", _SUCCESS) != _SUCCESS:
                raise ValueError("an error with status 200")
            return body["data"]
        except (AttributeError, ValueError, KeyError, TypeError):
            raise self._down(refusal_of_content(response, self._settings)) from None

    def version(self) -> str:
        """Return the server's version, or "" where it does not report it."""
        url = f"{self._settings.url}/api/v1/status/buildinfo"
        timeout_s = min(_BUILD_TIMEOUT_S, self._settings.timeout)
        try:
            version = self._session.get(url, timeout=timeout_s).json()["data"]["version"]
            return str(version)[:_MAX_VERSION_CHARACTERS]
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _reported_intervals_s(self) -> dict[str, float | None] | None:
        targets = self.active_targets()
        if targets is None:
            return None
        intervals_s: dict[str, float | None] = {}
        for target in targets:
            # VictoriaMetrics reports the interval only among the discovered labels.
            discovered = target.get("discoveredLabels", {}).get("__scrape_interval__", "")
            parts = re.findall(r"(\d+)(ms|s|m|h|d)", target.get("scrapeInterval") or discovered)
            interval_s = math.fsum(float(number) * _UNIT_S[unit] for number, unit in parts)
            intervals_s[target.get("labels", {}).get("job", "")] = _plausible(interval_s)
        return intervals_s

    def _median_gaps_s(self, response: QueryResponse) -> dict[str, float]:
        gaps: dict[str, list[float]] = {}
        try:
            for each in response.result:
                stamps = [at for at, _ in each["values"]]
                steps = [later - sooner for sooner, later in pairwise(stamps)]
                gaps.setdefault(each["metric"]["job"], []).extend(steps)
        except (LookupError, ValueError, TypeError):
            raise self._down(refusal_of_content(self._session.last, self._settings)) from None
        medians = {job: round(statistics.median(each), 3) for job, each in gaps.items() if each}
        return {job: each for job, each in medians.items() if _plausible(each)}

    def _query_response(self, found: msgspec.Raw) -> QueryResponse:
        response = self._session.last
        if response is None:
            raise self._down(Refusal("gave no response"))
        if response.body.get("status", _SUCCESS) != _SUCCESS:
            raise self._down(refusal_of_content(response, self._settings))
        if response.content.count(b",") > MAX_VALUES:
            what = f"returns more than {MAX_VALUES:,} values"
            raise self._down(Refusal(what, "write a narrower selector or query"))
        warnings = response.body.get("warnings") or []
        if response.body.get("isPartial"):
            warnings = [*warnings, "the response is partial: a part of the storage did not respond"]
        kind = response.body["data"].get("resultType", "vector")
        return QueryResponse(response.content, warnings, found, self._settings.url, kind)

    def _down(self, refusal: Refusal) -> PrometheusDown:
        return PrometheusDown(f"Prometheus at {self._settings.url} {refusal.what}", refusal.remedy)


def _instant(text: str) -> float:
    """Return an instant in epoch seconds. Raises ValueError or TypeError."""
    if not abs(instant := float(text)) < _MAX_EPOCH_S:
        raise ValueError("no instant")
    return instant


def _plausible(interval_s: float) -> float | None:
    return interval_s if 0 < interval_s <= _MAX_INTERVAL_S else None
