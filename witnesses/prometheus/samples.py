"""What is in a Prometheus answer? Series with their raw samples, and how a target was watched."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from mmap import mmap
from typing import NamedTuple

import msgspec

Sample = tuple[float, float]
Target = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its labels, and (epoch seconds, value) samples in order of time."""

    labels: dict[str, str]
    samples: Sequence[Sample]

    @property
    def target(self) -> Target:
        """The job and instance that it was scraped from."""
        return target_of(self.labels)


@dataclass(frozen=True, slots=True)
class Watch:
    """How Prometheus watched one target, in the order of time.

    `ups` are (epoch seconds, 1 or 0) a scrape, `births` (epoch seconds, process start time).
    `fresh` tells that its process is known to have started for this run, with counters at zero.
    `durations` are (epoch seconds, seconds until it was answered) a scrape, where they are known:
    a scrape is stamped when it begins, and shows what was counted until it was answered.
    Of a run on disk they are those around its first request and after its last answer, and those
    at which something changed; `tried` and `failed` count all its scrapes since the first request.
    `is_shared` tells that two targets have its job and instance, `is_bare` that its last good
    scrape showed no metrics at all.
    """

    ups: Sequence[Sample] = ()
    births: Sequence[Sample] = ()
    fresh: bool = False
    durations: Sequence[Sample] = ()
    tried: int = 0
    failed: int = 0
    is_shared: bool = False
    is_bare: bool = False


class Scrapes(NamedTuple):
    """A target's successful scrapes (epoch seconds), and for each when it was tried before."""

    stamps: list[float]
    previous: list[float]


# Two of one process, one scrape apart, show whether it told its start within its first second.
_BIRTHS_KEPT = 2

NO_SCRAPES = Scrapes([], [])


class _Values(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, float]]


class _Texts(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, str]]


class _Data(msgspec.Struct):
    result: list[msgspec.Raw]


class _Answer(msgspec.Struct):
    data: _Data


_ANSWER = msgspec.json.Decoder(_Answer)
# Values are strings in an answer ("5", "NaN"): `strict=False` reads them as the numbers they are,
# but for "+Inf".
_VALUES = msgspec.json.Decoder(_Values, strict=False)
_TEXTS = msgspec.json.Decoder(_Texts, strict=False)
_LABELS = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True)
class RawSeries:
    """One series of an answer, whose labels are read only where they are needed."""

    metric: bytes
    samples: list[Sample]

    @property
    def labels(self) -> dict[str, str]:
        """Its labels. Raises ValueError."""
        try:
            return _LABELS.decode(self.metric)
        except msgspec.MsgspecError as error:
            raise ValueError("labels that are no mapping of text") from error


def raw_series(answer: bytes | mmap) -> Iterator[RawSeries]:
    """Yield the series of a range vector, one in memory at a time. Raises ValueError for others."""
    try:
        for each in _ANSWER.decode(answer).data.result:
            yield _one_of(each)
    except msgspec.MsgspecError as error:
        raise ValueError("not the range vector of a Prometheus answer") from error


def _one_of(series: msgspec.Raw) -> RawSeries:
    if b'"+Inf"' in bytes(series):
        text = _TEXTS.decode(series)
        return RawSeries(bytes(text.metric), [(at, float(value)) for at, value in text.values])
    one = _VALUES.decode(series)
    return RawSeries(bytes(one.metric), one.values)


def read_series(answer: bytes | mmap) -> list[Series]:
    """Return the series of a range vector. Raises ValueError for others."""
    return [Series(each.labels, each.samples) for each in raw_series(answer)]


def target_of(labels: dict[str, str]) -> Target:
    """Return the job and instance that a series with these labels was scraped from."""
    return labels.get("job", ""), labels.get("instance", "")


def later(samples: Sequence[Sample], at: float) -> Sequence[Sample]:
    """Return the samples that are later than an instant."""
    if not samples or samples[0][0] > at:
        return samples
    return samples[bisect_right(samples, (at, inf)) :]


def scrapes_of(ups: Sequence[Sample], tried_at: float = -inf) -> Scrapes:
    """Return which scrapes were successful; `tried_at` is when the one before them began."""
    tries = [tried_at, *(at for at, _ in ups)]
    good = [number for number, (_, up) in enumerate(ups) if up == 1]
    return Scrapes([ups[n][0] for n in good], [tries[n] for n in good])


def at_scrapes(
    samples: Sequence[Sample], scrapes: Scrapes, shown_at: float = -inf
) -> Sequence[Sample]:
    """Return a counter's value at each successful scrape of its target, in the order of time.

    A counter that a scrape did not show stood at zero: its process had not counted on it yet.
    `shown_at` is the stamp of its last sample before these.
    """
    stamps = [at for at, _ in samples]
    if stamps == scrapes.stamps:
        return samples
    shown = [shown_at, *stamps]
    zeros = [
        (at, 0.0)
        for at, previous in zip(*scrapes, strict=True)
        if shown[max(0, bisect_right(shown, at) - 1)] <= previous
    ]
    return sorted([*samples, *zeros]) if zeros else samples


def _nothing() -> list[Sample]:
    return []


@dataclass(slots=True)
class Watching:
    """One target as it is being read, window by window: what its watch needs, and no more.

    `scrapes` are those of the window that was read last. Samples seen before are skipped.
    """

    begin: float
    end: float
    fresh: bool
    scrapes: Scrapes = NO_SCRAPES
    durations_s: dict[float, float] = field(default_factory=dict)
    is_shared: bool = False
    _ups: list[Sample] = field(default_factory=_nothing)
    _births: list[Sample] = field(default_factory=_nothing)
    _under_way: list[Sample] = field(default_factory=_nothing)
    _last_up: Sample = (-inf, 1.0)
    _last_birth_at: float = -inf
    _kept_births: Counter[float] = field(default_factory=Counter)
    _tried: int = 0
    _failed: int = 0
    _bare: bool = False

    def see(
        self,
        ups: Sequence[Sample],
        births: Sequence[Sample],
        durations: Sequence[Sample],
        shown: Sequence[Sample],
    ) -> None:
        """Take a further window: each a sample a scrape, `shown` how many samples that had."""
        self._see_ups(later(ups, self._last_up[0]))
        for each in later(births, self._last_birth_at):
            self._see_birth(each)
        self.durations_s = dict(durations)
        last = self._under_way[-1][0] if self._under_way else -inf
        self._under_way += [each for each in later(durations, last) if each[0] <= self.begin]
        good = set(self.scrapes.stamps)
        told = [number for at, number in shown if at in good]
        self._bare = told[-1] == 0 if told else self._bare

    @property
    def watch(self) -> Watch:
        """How it was watched so far."""
        return Watch(
            self._ups, self._births, self.fresh, self._under_way,
            self._tried, self._failed, self.is_shared, self._bare,
        )  # fmt: skip

    def _see_ups(self, ups: Sequence[Sample]) -> None:
        self.scrapes = scrapes_of(ups, self._last_up[0])
        since = [up for at, up in ups if at > self.begin]
        for at, up in ups:
            is_first_failure = up == 0 and at > self.begin and not self._failed
            if not self._ups or not self.begin < at <= self.end or is_first_failure:
                self._ups.append((at, up))
            self._failed += up == 0 and at > self.begin
        self._tried += len(since)
        self._last_up = ups[-1] if ups else self._last_up

    def _see_birth(self, birth: Sample) -> None:
        """Keep the first two since the first request that tell of one process."""
        at, began_at = birth
        self._kept_births[began_at] += at > self.begin
        if self._kept_births[began_at] <= _BIRTHS_KEPT:
            self._births.append(birth)
        self._last_birth_at = at
