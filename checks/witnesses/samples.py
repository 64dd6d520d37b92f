"""What is in a Prometheus answer? Series with their raw samples, and how a target was watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
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
    `durations` are (epoch seconds, seconds until it was answered) a scrape, where they are known:
    a scrape is stamped when it begins, and shows what was counted until it was answered.
    """

    ups: Sequence[Sample] = ()
    births: Sequence[Sample] = ()
    fresh: bool = False
    durations: Sequence[Sample] = ()


def series_of(result: Any) -> list[Series]:
    """Return the series of a range vector. Raises KeyError, TypeError or ValueError for others."""
    return [
        Series(each["metric"], tuple((float(at), float(value)) for at, value in each["values"]))
        for each in result
    ]


def at_scrapes(samples: Sequence[Sample], watch: Watch) -> list[Sample]:
    """Return a counter's value at each successful scrape of its target, in the order of time.

    A counter that a scrape did not show stood at zero: its process had not counted on it yet.
    """
    stamps = {at for at, _ in samples}
    bare = [at for at, up in watch.ups if up == 1 and at not in stamps]
    if not bare:
        return list(samples)
    before = {at: previous for (previous, _), (at, _) in pairwise([(-inf, 0.0), *watch.ups])}
    zeros = [(at, 0.0) for at in bare if not any(before[at] < stamp <= at for stamp, _ in samples)]
    return sorted([*samples, *zeros])
