"""What is in a Prometheus answer? Series with their raw samples, and how a target was watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Sample = tuple[float, float]
Target = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, and (epoch seconds, value) samples in order of time."""

    labels: dict[str, str]
    samples: tuple[Sample, ...]

    @property
    def target(self) -> Target:
        """The job and instance that it was scraped from."""
        return self.labels.get("job", ""), self.labels.get("instance", "")


@dataclass(frozen=True, slots=True)
class Watch:
    """How Prometheus watched one target, in the order of time.

    `ups` are (epoch seconds, 1 or 0) a scrape, `births` (epoch seconds, process start time).
    `fresh` tells that its process is known to have started for this run, with counters at zero.
    """

    ups: Sequence[Sample] = ()
    births: Sequence[Sample] = ()
    fresh: bool = False


def series_of(result: Any) -> list[Series]:
    """Return the series of a range vector. Raises KeyError, TypeError or ValueError for others."""
    return [
        Series(each["metric"], tuple((float(at), float(value)) for at, value in each["values"]))
        for each in result
    ]
