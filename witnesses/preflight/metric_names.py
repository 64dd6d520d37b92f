"""What the services show now, and what Prometheus has stored of them: metrics and their labels."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from config.clock import CLOCK
from config.environment import Environment
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.service.collector import AT_ONCE, fetch_exposition, metrics_client
from witnesses.target_labels import JOB

# How far back a metric counts as seen.
SEEN_WITHIN_S = 30 * 86_400.0

# A page that takes longer is left to the collection, which waits for it: the preconditions of a run
# are over in 5 s and the time of two scrapes.
_TIMEOUT_S = 5.0
_MAX_SERIES = "1000"
# A name of other characters than these stands in quotes: that of a metric first in the braces.
_CLASSIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_QUOTED = r'"((?:[^"\\\n]|\\.)+)"'
_TYPE = re.compile(rf"^# TYPE (?:{_QUOTED}|(\S+)) (\w+)", re.MULTILINE)
_SAMPLE = re.compile(
    rf"^(?:({_CLASSIC.pattern})(?:\{{(.*)\}})?|\{{{_QUOTED}(.*)\}})[ \t]+\S", re.MULTILINE
)
# without the look-behind, a word that is no label would be tried again from each of its letters
_LABEL = re.compile(rf'(?:(?<![a-zA-Z0-9_])([a-zA-Z_][a-zA-Z0-9_]*+)|{_QUOTED})="(?:[^"\\]|\\.)*"')
_OPEN_METRICS_END = "# EOF"
_SAMPLE_SUFFIXES = {
    "histogram": ("_bucket", "_count", "_sum"),
    "summary": ("", "_count", "_sum"),
}


@dataclass(frozen=True)
class ShownMetrics:
    """The metrics of the services: the label names of those with series, and the declared ones.

    `errors` are the pages that could not be read: what they show is not known.
    """

    labels: Mapping[str, frozenset[str]]
    declared: frozenset[str]
    errors: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every name, with series or without."""
        return self.declared | self.labels.keys()


@dataclass(frozen=True)
class ShownPages:
    """The body of each metrics address, or why there is none; and the addresses of each service."""

    by_url: Mapping[str, tuple[bytes, str]]
    urls: Mapping[str, Sequence[str]]

    def of(self, service: str | None = None) -> ShownMetrics:
        """Return the metrics of one service, or of all."""
        errors = [error for _, error in self._scrapes_of(service) if error]
        return read_shown_metrics(self.texts_of(service), errors)

    def texts_of(self, service: str | None = None) -> list[str]:
        """Return the pages that could be read, of one service or of all."""
        scrapes = self._scrapes_of(service)
        return [content.decode(errors="replace") for content, error in scrapes if not error]

    def _scrapes_of(self, service: str | None) -> list[tuple[bytes, str]]:
        named = self.urls.values() if service is None else [self.urls[service]]
        return [self.by_url[url] for url in dict.fromkeys(chain.from_iterable(named))]


def fetch_shown_pages(environment: Environment) -> ShownPages:
    """Scrape each replica of each service once, all at the same time."""
    urls = {name: service.metrics_urls() for name, service in environment.services.items()}
    # services may share an address: the first of them asks for it, with its headers
    asked_by = {url: name for name in reversed(urls) for url in urls[name]}

    def scrape(url: str) -> tuple[bytes, str]:
        with metrics_client(environment, asked_by[url], url, _TIMEOUT_S) as client:
            return fetch_exposition(client, url)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return ShownPages(dict(zip(asked_by, threads.map(scrape, asked_by), strict=True)), urls)


def read_shown_metrics(pages: Iterable[str], errors: Iterable[str] = ()) -> ShownMetrics:
    """Read the names of metrics and labels as they stand in expositions."""
    labels: dict[str, frozenset[str]] = {}
    declared: set[str] = set()
    for page in pages:
        for classic, of_classic, quoted, of_quoted in _SAMPLE.findall(page):
            name = classic or quoted
            found = {label or text for label, text in _LABEL.findall(of_classic or of_quoted)}
            labels[name] = labels.get(name, frozenset()) | found
        of_counter = ("_total",) if _OPEN_METRICS_END in page else ("",)
        suffixes = {**_SAMPLE_SUFFIXES, "counter": of_counter}
        for quoted, classic, kind in _TYPE.findall(page):
            family = classic or quoted
            declared.update(f"{family}{suffix}" for suffix in suffixes.get(kind, ("",)))
    return ShownMetrics(labels, frozenset(declared), tuple(errors))


class StoredMetrics:
    """What Prometheus has stored of the environment's jobs in the last month."""

    def __init__(self, client: PrometheusClient, jobs: Iterable[str], label: str = JOB) -> None:
        """Ask nothing yet; `label` is the one that has the job."""
        self._client = client
        self._targets = client.targets_of(jobs, label)
        self.error = ""

    def labels_of(self, metric: str) -> frozenset[str] | None:
        """Return the names of a metric's labels, or None if it has no series or is not known."""
        selector = series_selector(metric, self._targets)
        series = self._fetch("series", {"match[]": selector, "limit": _MAX_SERIES})
        names = [set(each) - {"__name__"} for each in series if isinstance(each, dict)]
        return frozenset().union(*names) if names else None

    def values_of(self, metric: str, label: str) -> frozenset[str]:
        """Return the values of a metric's label; none if they are not known."""
        return self._values(label, series_selector(metric, self._targets))

    def names(self) -> frozenset[str]:
        """Return the names of all metrics; none if they are not known."""
        return self._values("__name__", self._targets)

    def _values(self, label: str, selector: str) -> frozenset[str]:
        values = self._fetch(f"label/{label}/values", {"match[]": selector})
        return frozenset(each for each in values if isinstance(each, str))

    def _fetch(self, path: str, parameters: Mapping[str, str]) -> list[Any]:
        """Fetch a list; after an error Prometheus is not asked again."""
        if self.error:
            return []
        start = {"start": f"{CLOCK.now_at() - SEEN_WITHIN_S:.3f}"}
        try:
            data = self._client.fetch(path, {**parameters, **start})
        except PrometheusDown as error:
            self.error = str(error)
            return []
        return data if isinstance(data, list) else []


def series_selector(metric: str, matchers: str) -> str:
    """Return the selector of a metric's series; `matchers` are in braces.

    >>> print(series_selector("uses_total", '{job="a"}'), series_selector("a.uses", '{job="a"}'))
    uses_total{job="a"} {__name__="a.uses", job="a"}
    """
    if _CLASSIC.fullmatch(metric):
        return f"{metric}{matchers}"
    return matchers.replace("{", f"{{__name__={json.dumps(metric, ensure_ascii=False)}, ", 1)
