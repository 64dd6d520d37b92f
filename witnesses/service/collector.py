"""Scrape each replica of each service, and keep what it shows or why it shows nothing."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from config.clock import CLOCK
from config.environment import Environment
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.fetch import FetchFailed, ResponseLate, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.transport import BoundedClient, open_client
from witnesses.clock_skew import clock_skew_s
from witnesses.connection_errors import Asked, redirect_target, refusal_of
from witnesses.model import CountedQuantity, Moment
from witnesses.prometheus.client import PrometheusClient
from witnesses.service.discovery import REACH_S, ReplicaDiscovery
from witnesses.service.exposition import refusal_of_page
from witnesses.service.reading import INDEX, LATER, is_collected
from witnesses.service.single_process import (
    LEAST_OF_A_SLOW_PAGE,
    LOOKS_S,
    RepeatedScrapes,
    scrape_repeatedly,
)
from witnesses.service.stale_page import Page, fetch_current
from witnesses.target_labels import address_of

AT_ONCE = 32  # replicas that are scraped at the same time

_TIMEOUT_S = 10.0  # as Prometheus waits by default
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_MIN_SKEW_S = 1.0  # the Date header, in whole seconds, shows no less


@dataclass(frozen=True, slots=True)
class _Replica:
    """One metrics address of a service; `name` is that of its exposition.

    `instance` is the target's, of a replica that was discovered. One that `is_gone` is none now.
    """

    name: str
    service: str
    url: str
    instance: str = ""
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class _Scraped:
    """A replica's page, what the index has of it, and whether it may come from a cache."""

    page: Page
    entry: dict[str, Any]
    may_be_cached: bool = False


class ServiceCollector:
    """Scrapes the services' own `/metrics`, all replicas at once.

    One exposition is kept per replica; further scrapes only show whether one process answers, and
    whether others count on it. These are begun for `looks_s` seconds, however long a page takes.

    first scrapes                      once more        first request
    ──|||||──────── baseline_s ────────────|───────────────●────▶
    """

    def __init__(
        self,
        environment: Environment,
        quantities: Iterable[CountedQuantity] = (),
        baseline_s: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        client: PrometheusClient | None = None,
    ) -> None:
        """Ask nothing yet; counters are watched for `baseline_s` seconds before the run.

        `client` is of the Prometheus by which replicas are discovered.
        """
        read_page = partial(read_reachable_page, environment)
        self._discovery = ReplicaDiscovery(environment, client, read_page)
        self._baseline_s = baseline_s
        self._sleep, self._clock = sleep, clock
        self._environment = environment
        self._metrics = frozenset[str]().union(*(each.metrics for each in quantities))
        self.may_be_cached = False
        self.looks_s = LOOKS_S

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Scrape every replica, and write expositions and an index.

        After the run, each further time is kept beside the first: what only that shows is late.
        `may_be_cached` then tells that a page was the same in every scrape, byte by byte.
        """
        kept = is_collected(folder, Moment.AFTER) and moment is Moment.AFTER
        self._collect(LATER if kept else moment, folder)

    def _collect(self, moment: str, folder: RunFolder) -> None:
        begun_s, services = self._clock(), self._environment.services
        index: dict[str, Any] = {
            service: {"service": service, "is_declared_absent": True}
            for service, settings in services.items()
            if settings.shows_none
        }
        replicas = list(self._replicas(moment, index))
        is_watched = moment == Moment.BEFORE and bool(self._baseline_s and self._metrics)
        least = 1 if is_watched else LEAST_OF_A_SLOW_PAGE
        # services may share an address: scraped twice at once, each would move its own counters
        asked = {address_of(each.url): each for each in reversed(replicas) if not each.is_gone}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            scrape = partial(self._scrape, until_s=begun_s + self.looks_s, least=least)
            scraped = list(threads.map(scrape, asked.values()))
            if is_watched:
                self._sleep(max(0.0, begun_s + self._baseline_s - self._clock()))
                scraped = list(threads.map(self._scrape_once_more, asked.values(), scraped))
        by_address = dict(zip(asked, scraped, strict=True))
        for replica in replicas:
            index[replica.name] = self._entry(replica)
            if replica.is_gone:
                continue
            each = by_address[address_of(replica.url)]
            # whatever else a discovered address shows is none of ours
            if not each.page.error or (each.page.content and not replica.instance):
                folder.write_witness_file(f"service/{moment}/{replica.name}.txt", each.page.content)
            index[replica.name] |= each.entry
        self.may_be_cached = any(each.may_be_cached for each in scraped)
        content = json.dumps(index, indent=1, default=asdict).encode()
        folder.write_witness_file(f"service/{moment}/{INDEX}", content)

    def _replicas(self, moment: str, index: dict[str, Any]) -> Iterator[_Replica]:
        """Yield the replicas that are named, then those discovered; note where none is asked."""
        services = self._environment.services.items()
        for service, settings in services:
            for number, url in enumerate(settings.metrics_urls()):
                yield _Replica(f"{service}-{number}", service, url)
        for service in (name for name, each in services if each.is_discovered):
            found = self._discovery.replicas_at(service, is_first=moment == Moment.BEFORE)
            if found.unasked and service not in index:
                index[service] = {"service": service, "unasked": found.unasked}
            for each in found.replicas:
                name = f"{service}-{each.number}"
                yield _Replica(name, service, each.url, each.instance, each.is_gone)

    def _entry(self, replica: _Replica) -> dict[str, Any]:
        """Return what the index has of a replica before it is scraped."""
        job = self._environment.services[replica.service].job or replica.service
        entry = {"service": replica.service, "job": job, "url": replica.url}
        discovered = {"instance": replica.instance, "is_gone": replica.is_gone}
        return {**entry, **discovered} if replica.instance else entry

    def _scrape_once_more(self, replica: _Replica, scraped: _Scraped) -> _Scraped:
        """Extend what the scrapes of a replica showed by one some time later."""
        first = scraped.page
        if first.error and not first.content:
            return scraped
        with metrics_client(self._environment, replica.service, replica.url) as client:
            last, error = fetch_exposition(client, replica.url)
        scrapes: RepeatedScrapes = scraped.entry["scrapes"]
        if not error:
            scrapes = scrapes.extended(first.content, last, self._metrics)
        return replace(scraped, entry={**scraped.entry, "scrapes": scrapes})

    def _scrape(self, replica: _Replica, until_s: float, least: int) -> _Scraped:
        """Scrape a replica, and again until an instant, but for the `least` number of times."""
        with metrics_client(self._environment, replica.service, replica.url) as client:
            fetch = _TimedFetch(client, replica.url, self._clock)
            page, asked_at = fetch_current(fetch, self._metrics)
            scrapes, pages = RepeatedScrapes(1, ()), {sha256(page.content).digest()}

            def scrape() -> bytes | None:
                further = fetch()
                pages.add(sha256(further.content).digest())
                return None if further.error else further.content

            if not page.error:
                scrapes = scrape_repeatedly(
                    page.content, scrape, self._metrics, self._clock,
                    duration_s=until_s - self._clock(), least=least,
                )  # fmt: skip
        entry = {
            "error": page.error, "asked_at": asked_at, "skew_s": page.skew_s,
            "scrapes": replace(scrapes, page_s=fetch.slowest_s),
        }  # fmt: skip
        # a cache may be filled again meanwhile; a live page differs nearly every time
        may_be_cached = not page.error and len(pages) <= 1 + scrapes.number // 10
        return _Scraped(page, entry, may_be_cached)


class _TimedFetch:
    """Scrapes an address once per call, and notes how long the slowest scrape took."""

    def __init__(self, client: BoundedClient, url: str, clock: Callable[[], float]) -> None:
        self._client, self._url, self._clock = client, url, clock
        self.slowest_s = 0.0

    def __call__(self) -> Page:
        begun_s = self._clock()
        page = fetch_page(self._client, self._url)
        self.slowest_s = max(self.slowest_s, self._clock() - begun_s)
        return page


def metrics_client(
    environment: Environment, service: str, url: str, timeout_s: float = _TIMEOUT_S
) -> BoundedClient:
    """Return a client for the metrics of a service at a URL; it opens a connection per scrape.

    Several processes may stand behind one address; a kept connection would show one of them.
    """
    headers, network = environment.metrics_headers_of(service, url), environment.network
    auth = environment.services[service].auth_of_metrics(url)
    return open_client(
        network, timeout_s, headers, kept=0,
        certificate=auth.certificate, auth=ServiceAuth(auth, network),
    )  # fmt: skip


def read_reachable_page(environment: Environment, service: str, url: str) -> tuple[bytes, str]:
    """Return the page of a replica that may not be reachable, and why it cannot be read (or "")."""
    with metrics_client(environment, service, url, REACH_S) as client:
        return fetch_exposition(client, url)


def fetch_exposition(client: BoundedClient, url: str) -> tuple[bytes, str]:
    """Return the body of one scrape, and why it is no exposition (or "")."""
    page = fetch_page(client, url)
    return page.content, page.error


def fetch_page(client: BoundedClient, url: str) -> Page:
    """Scrape once.

    A redirect is followed on the same scheme, host and port: the headers go nowhere else.
    """
    target, begun_at = url, CLOCK.now_at()
    timeout_s = client.timeout.read or _TIMEOUT_S
    ends_s = time.monotonic() + timeout_s
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            left_s = max(0.0, ends_s - time.monotonic())  # redirects share the deadline
            response = fetch(client, target, deadline_s=left_s)
            if not (response.status in _REDIRECTS and "Location" in response.headers):
                break
            at, location = target, response.headers["Location"]
            if not _is_of_same_origin(at, location):
                shown = redirect_target(at, location)
                return Page(b"", f"{url} redirects to {shown}; write that address in metrics")
            target = urljoin(at, location)
    except ResponseLate:
        return Page(b"", f"{url} did not respond within {timeout_s:g} s")
    except (FetchFailed, ValueError) as error:
        asked = Asked(url, "metrics", "ca_file", has_ca=False)
        return Page(b"", f"{url} {refusal_of(error, asked).what}")
    reason = refusal_of_page(response.body)
    if response.status != HTTPStatus.OK:
        reason = f"responded {response.status}"
    skew_s = clock_skew_s(response, (begun_at + CLOCK.now_at()) / 2) or 0.0
    skew_s = skew_s if abs(skew_s) > _MIN_SKEW_S else 0.0
    return Page(response.body, f"{url} {reason}" if reason else "", skew_s)


def _is_of_same_origin(url: str, location: str) -> bool:
    try:
        return urlsplit(urljoin(url, location))[:2] == urlsplit(url)[:2]
    except ValueError:
        return False
