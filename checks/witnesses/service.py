"""What do the services' own metrics say? Their expositions before and after, verbatim."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from checks.witnesses.figure import Figure, Figures, Labels, no_data, summed
from config.environment import Environment
from scenarios.evidence import RunFolder
from scenarios.selector import Selector

BEFORE, AFTER = "before", "after"

_TIMEOUT_S = 5.0
_BIRTH = "process_start_time_seconds"
_SUFFIXES = ("", "_total", "_count", "_sum", "_bucket")
_RESTARTED = "its process was restarted; what it counted before is lost"

SampleKey = tuple[str, tuple[tuple[str, str], ...]]


def take_expositions(environment: Environment, moment: str, folder: RunFolder) -> None:
    """Scrape each replica of each service once, and keep what it said or why it did not."""
    index = {}
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for service, settings in environment.services.items():
            for number, url in enumerate(settings.metrics_urls()):
                name = f"{service}-{number}"
                trouble = _take(client, url, f"service/{moment}/{name}.txt", folder)
                index[name] = {"job": settings.job or service, "url": url, "trouble": trouble}
    content = json.dumps(index, indent=1).encode()
    folder.write_answer(f"service/{moment}/index.json", content)


def _take(client: httpx.Client, url: str, name: str, folder: RunFolder) -> str:
    try:
        answer = client.get(url)
    except httpx.HTTPError as error:
        return f"{url} cannot be reached: {str(error) or type(error).__name__}"
    folder.write_answer(name, answer.content)
    return "" if answer.status_code == httpx.codes.OK else f"{url} answered {answer.status_code}"


@dataclass(frozen=True)
class Exposition:
    """One replica's metrics at one moment: values by full name and labels, or the trouble.

    `families` are the metrics that it declares, also those without a series yet.
    """

    values: Mapping[SampleKey, float]
    families: frozenset[str]
    trouble: str = ""

    @property
    def birth(self) -> float | None:
        """When its process began, in epoch seconds; None where it does not say."""
        return self.values.get((_BIRTH, ()))


@dataclass(frozen=True)
class ServiceEvidence:
    """Every replica's expositions before and after, by the replica's name."""

    replicas: Mapping[str, tuple[Exposition, Exposition]]

    def figures(self, selector: Selector, by: Iterable[str]) -> Figures:
        """Return the increases of a selection by the values of its labels."""
        labels = tuple(by)
        concerned = [pair for pair in self.replicas.values() if _may_have(pair, selector.metric)]
        if not concerned:
            return no_data(f"no service shows {selector.metric}")
        found = [each for pair in concerned for each in _increases(pair, selector, labels)]
        remark = next(filter(None, map(_doubt, concerned)), "")
        figures = {
            key: Figure(each.value, each.remark or remark) for key, each in summed(found).items()
        }
        return Figures(figures, Figure(None, remark) if remark else Figure(0.0))


def read_services(folder: RunFolder) -> ServiceEvidence:
    """Read the expositions that a run took; what is missing is said by the figures."""
    path = folder.witnesses / "service"
    before, after = _read_moment(path / BEFORE), _read_moment(path / AFTER)
    missing = Exposition({}, frozenset(), "the service's metrics were not read after the run")
    return ServiceEvidence(
        {name: (each, after.get(name, missing)) for name, each in before.items()}
    )


def _read_moment(path: Path) -> dict[str, Exposition]:
    try:
        index = json.loads((path / "index.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return {
        name: _read_exposition(path / f"{name}.txt", entry["trouble"], entry["url"])
        for name, entry in index.items()
    }


def _read_exposition(path: Path, trouble: str, url: str) -> Exposition:
    if trouble:
        return Exposition({}, frozenset(), trouble)
    try:
        families = list(text_string_to_metric_families(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        trouble = f"{url} does not show metrics: {str(error)[:120]}"
        return Exposition({}, frozenset(), trouble)
    if not families:
        return Exposition({}, frozenset(), f"{url} shows no metrics")
    values = {
        (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in families
        for sample in family.samples
    }
    return Exposition(values, frozenset(family.name for family in families))


def _may_have(pair: tuple[Exposition, Exposition], metric: str) -> bool:
    """A replica that cannot be read may have it; one that can says so by its families."""
    readable = [each for each in pair if not each.trouble]
    names = {metric.removesuffix(suffix) for suffix in _SUFFIXES}
    return not readable or any(names & each.families for each in readable)


def _doubt(pair: tuple[Exposition, Exposition]) -> str:
    """Say why a replica's figures are not the whole increase."""
    before, after = pair
    return after.trouble or before.trouble or (_RESTARTED if before.birth != after.birth else "")


def _increases(
    pair: tuple[Exposition, Exposition], selector: Selector, by: Labels
) -> Iterable[tuple[Labels, Figure]]:
    """Yield each series' increase; without a baseline none is known, not even a lower bound."""
    before, after = pair
    restarted = before.birth != after.birth
    for (name, pairs), value in after.values.items():
        labels = dict(pairs)
        if not before.trouble and selector.selects(name, labels):
            baseline = 0.0 if restarted else before.values.get((name, pairs), 0.0)
            yield tuple(labels.get(label, "") for label in by), _grown(baseline, value)


def _grown(before: float, after: float) -> Figure:
    if after < before:
        return Figure(after, "its counter went down")
    return Figure(after - before)
