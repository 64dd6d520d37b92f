"""Decide whether the pages of discovered replicas can be read: of all of them, or of none.

Prometheus may scrape from within a cluster whose addresses lead nowhere from here, or to another
machine's process. Then only Prometheus is asked, which is no fault:

    target           scraped at                 from here
    10.0.0.7:8080    http://10.0.0.7:8080/…     no route                     only Prometheus
    localhost:9100   http://localhost:9100/…    another process' start time  only Prometheus
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from config.environment import Environment
from witnesses.process_identity import is_moved
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.discovery import DiscoveredReplica, discover_replicas
from witnesses.service.exposition import START_TIME
from witnesses.target_labels import is_on_loopback

MAX_PAGES = 200
REACH_S = 3.0
# A Prometheus that has just started knows its targets 5 s later, and scrapes them then.
_FIRST_TARGETS_S, _POLL_S = 8.0, 0.2

_AT_ONCE = 16
_START_TIMES = re.compile(
    rf"^{START_TIME}(?:\{{.*\}})?[ \t]+(\d+(?:\.\d+)?(?:[eE]\+?\d+)?)".encode(), re.MULTILINE
)

# Returns the page of a service at a URL, and why it cannot be read.
ReadPage = Callable[[str, str], tuple[bytes, str]]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The replicas of a service, and why their pages are not asked for, or ""."""

    replicas: tuple[DiscoveredReplica, ...] = ()
    unasked: str = ""


@dataclass(frozen=True, slots=True)
class KnownReplica:
    """A replica that was discovered in a run, numbered in the order in which replicas came.

    One that `is_gone` is none of Prometheus' targets now, or has no address that can be asked.
    """

    number: int
    instance: str
    url: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class KnownReplicas:
    """The replicas of a service whose pages are read at a moment, or why none is."""

    replicas: tuple[KnownReplica, ...] = ()
    unasked: str = ""


class ReplicaDiscovery:
    """Discovers the replicas of the services of an environment that say so.

    before the run    whether the pages of all replicas can be read
    after it          those of before, and those that came: each by its number
    """

    def __init__(
        self,
        environment: Environment,
        client: PrometheusClient | None,
        read_page: ReadPage,
        wait_s: float = _FIRST_TARGETS_S,
    ) -> None:
        """Ask nothing yet; a job without targets is waited for, `wait_s` seconds for all jobs."""
        self._ends_s = time.monotonic() + wait_s
        self._environment = environment
        self._client = client
        self._read_page = read_page
        self._first: dict[str, Discovery] = {}
        self._known: dict[str, dict[str, KnownReplica]] = {}

    def replicas_at(self, service: str, *, is_first: bool) -> KnownReplicas:
        """Return the replicas of a service now, with those that were there before.

        Where Prometheus gives no response any more, those of before are taken to be there still.
        """
        if is_first:
            self._first[service] = self.discover(service)
        first = self._first.get(service, Discovery((), "not discovered before the run"))
        if first.unasked:
            return KnownReplicas((), first.unasked)
        found = first.replicas if is_first else self._found(service)
        known = self._known.setdefault(service, {})
        if isinstance(found, PrometheusDown):
            return KnownReplicas(tuple(known.values()))
        for each in found:
            new = KnownReplica(len(known), each.instance, each.url)
            known.setdefault(each.instance, new)
        now = {each.instance for each in found}
        return KnownReplicas(tuple(
            replace(each, is_gone=each.instance not in now or not each.url)
            for each in known.values()
        ))  # fmt: skip

    def discover(self, service: str) -> Discovery:
        """Return the replicas of a service, and whether all of their pages can be read."""
        found = self._found(service)
        while found == () and time.monotonic() < self._ends_s:
            time.sleep(_POLL_S)
            found = self._found(service)
        if isinstance(found, PrometheusDown):
            return Discovery((), str(found))
        return Discovery(found, next(self._reasons(service, found), ""))

    def _found(self, service: str) -> tuple[DiscoveredReplica, ...] | PrometheusDown:
        job = self._environment.services[service].job or service
        if self._client is None:
            return PrometheusDown("the environment has no Prometheus")
        try:
            return tuple(discover_replicas(self._client, job))
        except PrometheusDown as error:
            return error

    def _reasons(self, service: str, replicas: Sequence[DiscoveredReplica]) -> Iterator[str]:
        """Yield why the pages are not asked for; nothing if each can be read, and is the target's.

        No page is asked for before those reasons that need none.
        """
        if self._environment.services[service].metrics is not None:
            yield "metrics: none"
        if not replicas:
            yield "Prometheus has no target of its job"
        if len(replicas) > MAX_PAGES:
            yield f"it has {len(replicas)} replicas, and pages are read of {MAX_PAGES} at most"
        for each in replicas:
            if not each.url:
                yield f"the address of {each.instance} is none that can be asked"
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            pages = list(threads.map(partial(self._refusal, service), replicas))
        failed = [each for each in pages if each]
        if failed:
            yield f"{len(failed)} of {len(replicas)} pages cannot be read: {failed[0]}"

    def _refusal(self, service: str, replica: DiscoveredReplica) -> str:
        """Return why a page is not that of a replica, or ""."""
        content, error = self._read_page(service, replica.url)
        if error:
            return error
        shown = [float(each) for each in _START_TIMES.findall(content)]
        if shown and replica.start_time is not None:
            is_other = is_moved(max(shown), replica.start_time)
            return (
                f"{replica.url} shows another process than Prometheus scrapes" if is_other else ""
            )
        if replica.is_guessed or self._is_elsewhere(replica.url):
            return f"{replica.url} may be another process: no start time shows that it is not"
        return ""

    def _is_elsewhere(self, url: str) -> bool:
        """Return whether a loopback address is that of the machine that Prometheus runs on."""
        prometheus = self._environment.prometheus
        is_here = prometheus is not None and is_on_loopback(prometheus.url)
        return is_on_loopback(url) and not is_here
