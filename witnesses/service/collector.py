"""Scrape each replica of each service, and keep what it shows or why it shows nothing."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin, urlsplit

from config.clock import CLOCK
from config.environment import Environment
from config.services import NONE
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.fetch import FetchFailed, ResponseLate, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.transport import BoundedClient, open_client
from witnesses.clock_skew import clock_skew_s
from witnesses.connection_errors import Asked, redirect_target, refusal_of
from witnesses.model import CountedQuantity, Moment
from witnesses.service.exposition import refusal_of_page
from witnesses.service.reading import INDEX, LATER, is_collected
from witnesses.service.single_process import RepeatedScrapes, scrape_repeatedly
from witnesses.service.stale_page import Page, fetch_current

_TIMEOUT_S = 10.0  # as Prometheus waits by default
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_MIN_SKEW_S = 1.0  # the Date header, in whole seconds, shows no less


class ServiceCollector:
    """Scrapes the services' own `/metrics`.

    One exposition is kept per replica; further scrapes only show whether one process answers, and
    whether others count on it.

    first scrapes                      once more        first request
    ──|||||──────── baseline_s ────────────|───────────────●────▶
    """

    def __init__(
        self,
        environment: Environment,
        quantities: Iterable[CountedQuantity] = (),
        baseline_s: float = 0.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Ask nothing yet; counters are watched for `baseline_s` seconds before the run."""
        self._baseline_s = baseline_s
        self._sleep = sleep
        self._environment = environment
        self._metrics = frozenset[str]().union(*(each.metrics for each in quantities))
        self.may_be_cached = False

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Scrape every replica, and write expositions and an index.

        After the run, each further time is kept beside the first: what only that shows is late.
        `may_be_cached` then tells that a page was the same in every scrape, byte by byte.
        """
        kept = is_collected(folder, Moment.AFTER) and moment is Moment.AFTER
        self._collect(LATER if kept else moment, folder)

    def _collect(self, moment: str, folder: RunFolder) -> None:
        self.may_be_cached = False
        begun_s, index = time.monotonic(), dict[str, Any]()
        firsts: dict[str, bytes] = {}
        for service, settings in self._environment.services.items():
            if settings.metrics == NONE:
                index[service] = {"service": service, "is_declared_absent": True}
            for number, url in enumerate(settings.metrics_urls()):
                with metrics_client(self._environment, service, url) as client:
                    page, scraped = self._scrape(client, url)
                name, content = f"{service}-{number}", page.content
                if content or not page.error:
                    folder.write_witness_file(f"service/{moment}/{name}.txt", content)
                    firsts[name] = content
                index[name] = {"service": service, "job": settings.job or service, **scraped}
        if moment == Moment.BEFORE and self._baseline_s and self._metrics:
            self._sleep(max(0.0, begun_s + self._baseline_s - time.monotonic()))
            for name, first in firsts.items():
                index[name]["scrapes"] = self._scrape_once_more(first, index[name])
        content = json.dumps(index, indent=1, default=asdict).encode()
        folder.write_witness_file(f"service/{moment}/{INDEX}", content)

    def _scrape_once_more(self, first: bytes, scraped: Mapping[str, Any]) -> RepeatedScrapes:
        scrapes: RepeatedScrapes = scraped["scrapes"]
        with metrics_client(self._environment, scraped["service"], scraped["url"]) as client:
            last, error = fetch_exposition(client, scraped["url"])
        return scrapes if error else scrapes.extended(first, last, self._metrics)

    def _scrape(self, client: BoundedClient, url: str) -> tuple[Page, dict[str, Any]]:
        """Scrape a replica; return its page, and what the index has of it."""
        page, asked_at = fetch_current(partial(fetch_page, client, url), self._metrics)
        scrapes = self._scrape_again(client, url, page.content, page.error)
        return page, {
            "url": url, "error": page.error, "asked_at": asked_at, "skew_s": page.skew_s,
            "scrapes": scrapes,
        }  # fmt: skip

    def _scrape_again(
        self, client: BoundedClient, url: str, first: bytes, error: str
    ) -> RepeatedScrapes:
        if error:
            return RepeatedScrapes(1, ())

        def scrape() -> bytes | None:
            content, failed = fetch_exposition(client, url)
            pages.add(sha256(content).digest())
            return None if failed else content

        pages = {sha256(first).digest()}
        scrapes = scrape_repeatedly(first, scrape, self._metrics)
        # a cache may be filled again meanwhile; a live page differs nearly every time
        self.may_be_cached = self.may_be_cached or len(pages) <= 1 + scrapes.number // 10
        return scrapes


def metrics_client(
    environment: Environment, service: str, url: str, timeout_s: float = _TIMEOUT_S
) -> BoundedClient:
    """Return a client for the metrics of a service at a URL; it opens a connection per scrape.

    Several processes may stand behind one address; a kept connection would show one of them.
    """
    headers, network = environment.metrics_headers_of(service), environment.network
    auth = environment.services[service].auth_of_metrics(url)
    return open_client(
        network, timeout_s, headers, kept=0,
        certificate=auth.certificate, auth=ServiceAuth(auth, network),
    )  # fmt: skip


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
