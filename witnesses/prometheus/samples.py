"""Decode Prometheus responses: series with their raw samples, and the scrape log of each target."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from mmap import mmap

import msgspec

from witnesses.process_identity import START_TIME_MARGIN_S, is_moved
from witnesses.prometheus.pushes import InstancePushes

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
class ScrapeLog:
    """The scrapes of one target, in order of time.

    `ups` are (epoch seconds, 1 or 0) per scrape, `start_times` (epoch seconds, process start time).
    `fresh` means that its process was started for this run, with counters at zero.
    `durations` are (epoch seconds, seconds) per scrape, where they are known: a scrape is stamped
    when it begins, and shows what was counted until its response.
    Of a run on disk they are those around its first request and after its last response, and those
    at which something changed; `tried` and `failed` count all its scrapes since the first request.
    `is_shared` means that two targets have its job and instance, `is_bare` that its last successful
    scrape showed no metrics at all. `pushes` are those of an instance that is not scraped: then a
    push stands for a scrape.
    """

    ups: Sequence[Sample] = ()
    start_times: Sequence[Sample] = ()
    fresh: bool = False
    durations: Sequence[Sample] = ()
    tried: int = 0
    failed: int = 0
    is_shared: bool = False
    is_bare: bool = False
    pushes: InstancePushes | None = None


# The successful scrapes of a target, in epoch seconds.
ScrapeTimes = Sequence[float]

# Two of one process, one scrape apart, show whether the first was within its first second.
_START_TIMES_KEPT = 2

NO_SCRAPES: ScrapeTimes = ()


class _Values(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, float]]


class _Texts(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    values: list[tuple[float, str]]


class NativeHistogram(msgspec.Struct, gc=False):
    """One sample of a native histogram; a bucket is (rule, left, right, count), and not empty."""

    count: float
    buckets: list[tuple[int, str, str, float]] = []


class _Histograms(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    histograms: list[tuple[float, NativeHistogram]]


class _Data(msgspec.Struct):
    result: list[msgspec.Raw]


class _Response(msgspec.Struct):
    data: _Data


_RESPONSE = msgspec.json.Decoder(_Response)
# Values are strings in a response ("5", "NaN"): `strict=False` reads them as the numbers they are,
# but for "+Inf".
_VALUES = msgspec.json.Decoder(_Values, strict=False)
_TEXTS = msgspec.json.Decoder(_Texts, strict=False)
_HISTOGRAMS = msgspec.json.Decoder(_Histograms, strict=False)
_LABELS = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True, slots=True)
class RawSeries:
    """One series of a response, whose labels are decoded only where they are needed.

    The samples of a native histogram are its counts; `histograms` are the whole of it.
    """

    metric: bytes
    samples: list[Sample]
    histograms: Sequence[tuple[float, NativeHistogram]] = ()

    @property
    def labels(self) -> dict[str, str]:
        """Its labels. Raises ValueError."""
        try:
            return _LABELS.decode(self.metric)
        except msgspec.MsgspecError as error:
            raise ValueError("labels that are no mapping of text") from error


def raw_series(response: bytes | mmap) -> Iterator[RawSeries]:
    """Yield the series of a range vector, one in memory at a time. Raises ValueError for others."""
    try:
        for each in _RESPONSE.decode(response).data.result:
            try:
                yield _series_of_values(each)
            except msgspec.ValidationError:  # without values
                native = _HISTOGRAMS.decode(each)
                counts = [(at, histogram.count) for at, histogram in native.histograms]
                yield RawSeries(bytes(native.metric), counts, native.histograms)
    except msgspec.MsgspecError as error:
        raise ValueError("not the range vector of a Prometheus response") from error


def _series_of_values(series: msgspec.Raw) -> RawSeries:
    if b'"+Inf"' not in bytes(series):
        one = _VALUES.decode(series)
        return RawSeries(bytes(one.metric), one.values)
    text = _TEXTS.decode(series)
    return RawSeries(bytes(text.metric), [(at, float(value)) for at, value in text.values])


def read_series(response: bytes | mmap) -> list[Series]:
    """Return the series of a range vector. Raises ValueError for others."""
    return [Series(each.labels, each.samples) for each in raw_series(response)]


def target_of(labels: Mapping[str, str]) -> Target:
    """Return the job and instance that a series with these labels was scraped from."""
    return labels.get("job", ""), labels.get("instance", "")


def later(samples: Sequence[Sample], at: float) -> Sequence[Sample]:
    """Return the samples that are later than an instant."""
    if not samples or samples[0][0] > at:
        return samples
    return samples[bisect_right(samples, (at, inf)) :]


def scrapes_of(ups: Sequence[Sample]) -> ScrapeTimes:
    """Return the instants of the successful scrapes."""
    return [at for at, up in ups if up == 1]


def has_own_timestamps(samples: Sequence[Sample], scrapes: ScrapeTimes) -> bool:
    """Return whether samples are not stamped with their scrape, but by the exposition itself."""
    return bool(scrapes) and not {at for at, _ in samples} <= set(scrapes)


def at_scrapes(
    samples: Sequence[Sample],
    scrapes: ScrapeTimes,
    shown_at: float = -inf,
    *,
    is_own: bool = False,
) -> Sequence[Sample]:
    """Return a counter's value at each successful scrape of its target, in the order of time.

    A counter that a scrape did not show stood at zero: its process had not counted on it yet. Where
    the exposition has timestamps of its own (`is_own`), that says nothing:

        scrape    10    20    30          scrape     10    20    30
        sample          20:4              sample   7:4   17:4   27:6   own timestamps
        value     0     4     0           value    7:4   17:4   27:6

    `shown_at` is the stamp of its last sample before these.
    """
    if is_own:
        return samples
    stamps = {at for at, _ in samples}
    zeros = [(at, 0.0) for at in scrapes if at > shown_at and at not in stamps]
    return sorted([*samples, *zeros]) if zeros else samples


def _nothing() -> list[Sample]:
    return []


@dataclass(slots=True)
class ScrapeLogBuilder:
    """Builds the scrape log of one target, window by window, keeping what it needs.

    `scrapes` are those of the window that was read last. Samples seen before are skipped.
    """

    begin: float
    end: float
    fresh: bool
    scrapes: ScrapeTimes = NO_SCRAPES
    durations_s: dict[float, float] = field(default_factory=dict)
    is_shared: bool = False
    pushes: InstancePushes | None = None
    _ups: list[Sample] = field(default_factory=_nothing)
    _start_times: list[Sample] = field(default_factory=_nothing)
    _under_way: list[Sample] = field(default_factory=_nothing)
    _last_up: Sample = (-inf, 1.0)
    # When it was scraped, its value, and the value that its process was first seen with.
    _last_start_time: tuple[float, float, float] = (-inf, -inf, -inf)
    _kept_start_times: Counter[float] = field(default_factory=Counter)
    _tried: int = 0
    _failed: int = 0
    _bare: bool = False

    def add(
        self,
        ups: Sequence[Sample],
        start_times: Sequence[Sample],
        durations: Sequence[Sample],
        shown: Sequence[Sample],
    ) -> None:
        """Add a further window: one sample per scrape; `shown` is how many samples that had."""
        self._add_ups(later(ups, self._last_up[0]))
        # the first two of each process since the first request are enough, see _START_TIMES_KEPT
        for at, value in later(start_times, self._last_start_time[0]):
            began_at = self._start_time_of_process(value)
            self._kept_start_times[began_at] += at > self.begin
            if self._kept_start_times[began_at] <= _START_TIMES_KEPT:
                self._start_times.append((at, began_at))
            self._last_start_time = at, value, began_at
        self.durations_s = dict(durations)
        last = self._under_way[-1][0] if self._under_way else -inf
        self._under_way += [each for each in later(durations, last) if each[0] <= self.begin]
        # `_add_ups` has set `scrapes` to those of this window.
        good = set(self.scrapes)
        told = [number for at, number in shown if at in good]
        self._bare = told[-1] == 0 if told else self._bare

    @property
    def scrape_log(self) -> ScrapeLog:
        """The scrape log so far."""
        return ScrapeLog(
            self._ups, self._start_times, self.fresh, self._under_way,
            self._tried, self._failed, self.is_shared, self._bare, self.pushes,
        )  # fmt: skip

    def _start_time_of_process(self, shown: float) -> float:
        """Return a start time as its process first showed it: it may waver by a clock tick.

        A process that was young when it was last scraped may have been replaced since by one that
        started within a second of it: then the value is kept as it is.
        """
        last_at, last, began_at = self._last_start_time
        # a start time may be shown a second too early, and waver by another
        is_old = last_at >= last + 2 * START_TIME_MARGIN_S
        return began_at if is_old and not is_moved(last, shown) else shown

    def _add_ups(self, ups: Sequence[Sample]) -> None:
        self.scrapes = scrapes_of(ups)
        since = [up for at, up in ups if at > self.begin]
        for at, up in ups:
            is_first_failure = up == 0 and at > self.begin and not self._failed
            if not self._ups or not self.begin < at <= self.end or is_first_failure:
                self._ups.append((at, up))
            self._failed += up == 0 and at > self.begin
        self._tried += len(since)
        self._last_up = ups[-1] if ups else self._last_up
