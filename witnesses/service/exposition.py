"""Parse one scrape in Prometheus' text format."""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from witnesses.figure import Reason

_START_TIME = "process_start_time_seconds"
_MAX_ERROR_CHARACTERS = 120

LabelPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exposition:
    """The metrics of one replica at one moment: values by full sample name, then by labels.

    `families` are the metrics that it declares, also those without a series yet. `error` says why
    there are none, and `reason` is its class.
    """

    values: Mapping[str, Mapping[LabelPairs, float]]
    families: frozenset[str]
    error: str = ""
    reason: Reason | None = None

    @property
    def start_time(self) -> float | None:
        """When its process started, in epoch seconds; None where it does not show it."""
        return self.values.get(_START_TIME, {}).get(())


def unreadable(reason: Reason, error: str) -> Exposition:
    """Return the exposition of a scrape that brought none."""
    return Exposition({}, frozenset(), error, reason)


def parse_exposition(content: bytes, url: str) -> Exposition:
    """Parse a scrape; the result's error says why it is no exposition."""
    try:
        families = list(text_string_to_metric_families(content.decode()))
    except ValueError as error:
        message = f"{url} does not show metrics: {str(error)[:_MAX_ERROR_CHARACTERS]}"
        return unreadable(Reason.SCRAPE_FAILED, message)
    if not families:
        return unreadable(Reason.EMPTY_EXPOSITION, f"{url} shows no metrics")
    values: dict[str, dict[LabelPairs, float]] = {}
    for family in families:
        for sample in family.samples:
            pairs = tuple(sorted(sample.labels.items()))
            values.setdefault(sample.name, {})[pairs] = float(sample.value)
    return Exposition(values, frozenset(family.name for family in families))
