"""What do the services' own metrics say? Their expositions before and after, verbatim."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from config.environment import Environment
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.transport import open_client
from scenarios.language.selector import Selector
from witnesses.connection_errors import Asked, refusal_of
from witnesses.figure import Figure, Figures, Labels, no_data, summed
from witnesses.service.single_process import Looks, look_again

BEFORE, AFTER = "before", "after"

_TIMEOUT_S = 5.0
_BIRTH = "process_start_time_seconds"
_SUFFIXES = ("", "_total", "_count", "_sum", "_bucket")
_COUNTERS = ("_total", "_count")
_RESTARTED = "its process was restarted; what it counted before is lost"

LabelPairs = tuple[tuple[str, str], ...]


def take_expositions(environment: Environment, moment: str, folder: RunFolder) -> None:
    """Scrape each replica of each service, and keep what it said or why it did not.

    One page is kept; the further looks only tell whether one process answers.
    """
    index = {}
    with metrics_client(environment) as client:
        for service, settings in environment.services.items():
            for number, url in enumerate(settings.metrics_urls()):
                name = f"{service}-{number}"
                trouble, looks = _take(client, url, f"service/{moment}/{name}.txt", folder)
                place = {"service": service, "job": settings.job or service, "url": url}
                index[name] = {**place, "trouble": trouble, "looks": asdict(looks)}
    content = json.dumps(index, indent=1).encode()
    folder.write_answer(f"service/{moment}/index.json", content)


def metrics_client(environment: Environment) -> httpx.Client:
    """Return a client for looks at metrics.

    It opens a connection a look: what stands behind one address may be several processes.
    """
    return open_client(environment.network, _TIMEOUT_S, environment.metrics_headers, kept=0)


def ask_exposition(client: httpx.Client, url: str) -> tuple[bytes, str]:
    """Ask for a page of metrics; return what came, and why it is none (or "")."""
    try:
        answer = client.get(url)
    except httpx.TimeoutException:
        return b"", f"{url} gave no answer within {_TIMEOUT_S:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        asked = Asked(url, "metrics", "ca_file", has_ca=False)
        return b"", f"{url} {refusal_of(error, asked).what}"
    is_well = answer.status_code == httpx.codes.OK
    return answer.content, "" if is_well else f"{url} answered {answer.status_code}"


def _take(client: httpx.Client, url: str, name: str, folder: RunFolder) -> tuple[str, Looks]:
    content, trouble = ask_exposition(client, url)
    if content or not trouble:
        folder.write_answer(name, content)
    if trouble:
        return trouble, Looks(1, ())
    return "", look_again(content, lambda: _page(client, url))


def _page(client: httpx.Client, url: str) -> bytes | None:
    content, trouble = ask_exposition(client, url)
    return None if trouble else content


@dataclass(frozen=True)
class Exposition:
    """One replica's metrics at one moment: values by full name, then labels; or the trouble.

    `families` are the metrics that it declares, also those without a series yet.
    """

    values: Mapping[str, Mapping[LabelPairs, float]]
    families: frozenset[str]
    trouble: str = ""

    @property
    def birth(self) -> float | None:
        """When its process began, in epoch seconds; None where it does not say."""
        return self.values.get(_BIRTH, {}).get(())


@dataclass(frozen=True)
class Replica:
    """One address that shows metrics: whose it is, what it said, and how it looked in between."""

    service: str
    job: str
    before: Exposition
    after: Exposition
    looks: tuple[Looks, ...] = ()

    @property
    def split(self) -> str:
        """Why it is not one process that answers, or ""."""
        return next((each.doubt for each in self.looks if each.doubt), "")

    @property
    def trouble(self) -> str:
        """Why it could not be read, before or after, or ""."""
        return self.after.trouble or self.before.trouble

    @property
    def is_restarted(self) -> bool:
        """Whether another process answers than before."""
        return self.before.birth != self.after.birth

    def may_have(self, metric: str) -> bool:
        """Tell whether it shows a metric; one that cannot be read at all may."""
        readable = [each for each in (self.before, self.after) if not each.trouble]
        return not readable or self.has(metric)

    def has(self, metric: str) -> bool:
        """Tell whether it declares a metric."""
        names = {metric.removesuffix(suffix) for suffix in _SUFFIXES}
        return any(names & each.families for each in (self.before, self.after))

    def growths(self, metric: str) -> Iterator[tuple[dict[str, str], Figure]]:
        """Yield each series' increase; without a baseline none is known, not even a bound."""
        if self.before.trouble:
            return
        before = {} if self.is_restarted else self.before.values.get(metric, {})
        for pairs, value in self.after.values.get(metric, {}).items():
            yield dict(pairs), _grown(before.get(pairs, 0.0), value)

    @property
    def doubt(self) -> str:
        """Why its figures are not the whole increase, or ""."""
        return self.trouble or (_RESTARTED if self.is_restarted else "")


@dataclass(frozen=True)
class ServiceEvidence:
    """Every replica's expositions before and after, by the replica's name."""

    replicas: Mapping[str, Replica]

    def figures(self, selector: Selector, by: Iterable[str]) -> Figures:
        """Return the increases of a selection by the values of its labels."""
        labels = tuple(by)
        concerned = self._concerned(selector.metric)
        if not concerned:
            return no_data(f"no service shows {selector.metric}")
        found = [
            (_values(told, labels), figure)
            for replica in concerned
            for told, figure in replica.growths(selector.metric)
            if selector.selects(selector.metric, told)
        ]
        remark = next(filter(None, (each.doubt for each in concerned)), "")
        figures = {
            key: Figure(each.value, each.remark or remark) for key, each in summed(found).items()
        }
        return Figures(figures, Figure(None, remark) if remark else Figure(0.0))

    def jobs(self, metric: str) -> set[str]:
        """Return the values of the job label under which a metric's counters are scraped."""
        return {each.job for each in self._concerned(metric)}

    def elsewhere(
        self, selector: Selector, by: Iterable[str]
    ) -> dict[Labels, dict[tuple[str, str], float]]:
        """Return what grew beside a selection: but for one label, it would have been selected.

        By the values of `by`, then by that label and the value that it has instead.
        """
        labels = tuple(by)
        grown: dict[Labels, dict[tuple[str, str], float]] = {}
        for replica in self._concerned(selector.metric):
            for told, figure in replica.growths(selector.metric):
                broken = selector.broken_by(told)
                if len(broken) == 1 and figure.value:
                    place = broken[0].label, told.get(broken[0].label, "")
                    beside = grown.setdefault(_values(told, labels), {})
                    beside[place] = beside.get(place, 0.0) + figure.value
        return grown

    def others(self, label: str, ours: str) -> dict[str, dict[str, float]]:
        """Return by how much counters with other values of a label grew, by job and metric."""
        grown: dict[str, dict[str, float]] = {}
        for replica in self.replicas.values():
            for metric in filter(_is_counter, replica.after.values):
                theirs = _theirs(replica, metric, label, ours)
                if theirs:
                    of_job = grown.setdefault(replica.job, {})
                    of_job[metric] = of_job.get(metric, 0.0) + theirs
        return grown

    def _concerned(self, metric: str) -> list[Replica]:
        """Return the replicas that show a metric, and those beside them that cannot be read.

        A service that cannot be read does not matter where another is seen to have the metric.
        """
        services = {each.service for each in self.replicas.values() if each.has(metric)}
        return [
            each
            for each in self.replicas.values()
            if each.may_have(metric) and (not services or each.service in services)
        ]


def read_services(folder: RunFolder) -> ServiceEvidence:
    """Read the expositions that a run took; what is missing is said by the figures."""
    path = folder.witnesses / "service"
    before, after = _read_index(path / BEFORE), _read_index(path / AFTER)
    return ServiceEvidence(
        {
            name: Replica(
                entry["service"],
                entry["job"],
                _read_exposition(path / BEFORE / f"{name}.txt", entry),
                _read_exposition(path / AFTER / f"{name}.txt", after.get(name)),
                tuple(map(_read_looks, filter(None, [entry, after.get(name)]))),
            )
            for name, entry in before.items()
        }
    )


def last_birth(folder: RunFolder) -> float:
    """Return when the youngest process began that was looked at before; 0 where none tells."""
    index = _read_index(folder.witnesses / "service" / BEFORE)
    looks = map(_read_looks, index.values())
    return max((birth for each in looks for birth in each.births), default=0.0)


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _read_looks(entry: Mapping[str, Any]) -> Looks:
    told = entry["looks"]
    return Looks(told["number"], tuple(told["births"]), told["fell"])


def _read_exposition(path: Path, entry: Mapping[str, Any] | None) -> Exposition:
    if entry is None:
        return Exposition({}, frozenset(), "the service's metrics were not read after the run")
    if entry["trouble"]:
        return Exposition({}, frozenset(), entry["trouble"])
    try:
        content = path.read_bytes()
    except OSError as error:
        return Exposition({}, frozenset(), f"{entry['url']}: {error.strerror}")
    return parse_exposition(content, entry["url"])


def parse_exposition(content: bytes, url: str) -> Exposition:
    """Read a page of metrics; what is none is said by its trouble."""
    try:
        families = list(text_string_to_metric_families(content.decode()))
    except ValueError as error:
        return Exposition({}, frozenset(), f"{url} does not show metrics: {str(error)[:120]}")
    if not families:
        return Exposition({}, frozenset(), f"{url} shows no metrics")
    values: dict[str, dict[LabelPairs, float]] = {}
    for family in families:
        for sample in family.samples:
            pairs = tuple(sorted(sample.labels.items()))
            values.setdefault(sample.name, {})[pairs] = float(sample.value)
    return Exposition(values, frozenset(family.name for family in families))


def _values(told: Mapping[str, str], labels: Labels) -> Labels:
    return tuple(told.get(label, "") for label in labels)


def _is_counter(metric: str) -> bool:
    return metric.endswith(_COUNTERS)


def _theirs(replica: Replica, metric: str, label: str, ours: str) -> float:
    return sum(
        figure.value or 0.0
        for told, figure in replica.growths(metric)
        if told.get(label, ours) != ours
    )


def _grown(before: float, after: float) -> Figure:
    if after < before:
        return Figure(after, "its counter went down")
    return Figure(after - before)
