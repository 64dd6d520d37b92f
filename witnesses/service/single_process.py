"""Show whether one process answers at a metrics address, by scraping it several times in a row.

Each scrape has a connection of its own. Behind a load balancer, or with several workers that count
separately, counters go up and down from scrape to scrape and the start time changes: no figure of
such an address means anything.

    scrape          1    2    3    4
    uses_total      7    3    7    3      falls: two processes
    start time      500.0 …               steady: what other counters do casts no doubt
    scrapes_total   1    2    3    4      rises by one with each scrape: it counts the scrapes
    orders_total    5    5    6    6      rises at some: others count on it
"""

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from witnesses.process_identity import START_TIME_MARGIN_S, are_apart
from witnesses.service.exposition import COUNTER, GAUGE, START_TIME, declared_types, sample_type

LOOKS_S = 2.0  # how long further scrapes are begun
MAX_SCRAPES = 20
LEAST_OF_A_SLOW_PAGE = 2
_MIN_SCRAPES = 3
MAX_BYTES = 4_000_000  # of all scrapes together
_TICKS_S = 0.1
# Name and labels of a sample, then its value; a name that is not classic stands in the braces.
_SAMPLE = re.compile(rb"^(([a-zA-Z_:][\w:]*)?(?:\{.*\})?)[ \t]+([^ \t\n]+)", re.MULTILINE)
_QUOTED_METRIC = re.compile(r'\{"((?:[^"\\]|\\.)*)"')
_LABEL = re.compile(r'(\w+)\s*=\s*("(?:[^"\\]|\\.)*")')

_Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RepeatedScrapes:
    """What `number` scrapes in a row showed.

    `start_times` are those of every scrape. `fell` is a counter that fell, or "". `self_counting`
    are the series, with their labels in order, that rose by the same amount with each scrape, and
    `moved` those that rose otherwise: others count on them. `sank` are those of a quantity that
    the page declares as gauges, and that fell: they count nothing. `page_s` is how long the
    slowest of the scrapes took, and `page_bytes` the size of the largest.
    """

    number: int
    start_times: tuple[float, ...]
    fell: str = ""
    self_counting: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    sank: tuple[str, ...] = ()
    page_s: float = 0.0
    page_bytes: int = 0

    @property
    def shows_several_processes(self) -> bool:
        """Whether they cannot come from one process."""
        # It is recomputed from the boot time, which wavers by clock ticks, or by one second where
        # it is rounded.
        is_rounded = all(each.is_integer() for each in self.start_times)
        margin_s = START_TIME_MARGIN_S if is_rounded else _TICKS_S
        return bool(self.fell) or are_apart(self.start_times, margin_s)

    def extended(self, first: bytes, last: bytes, metrics: frozenset[str]) -> "RepeatedScrapes":
        """Return the scrapes with one more, some time after: `first` and `last` are its pages."""
        watched = _Watched(metrics, first)
        watched.add(last)
        found = watched.result
        return replace(
            self,
            number=self.number + 1,
            start_times=(*self.start_times, *found.start_times[1:]),
            fell=self.fell or found.fell,
            moved=tuple(sorted({*self.moved, *found.moved} - {*self.self_counting})),
            sank=tuple(sorted({*self.sank, *found.sank})),
        )


def scrape_repeatedly(
    first: bytes,
    scrape: Callable[[], bytes | None],
    metrics: frozenset[str] = frozenset(),
    clock: Callable[[], float] = time.monotonic,
    *,
    duration_s: float = LOOKS_S,
    least: int = LEAST_OF_A_SLOW_PAGE,
) -> RepeatedScrapes:
    """Scrape often enough for two processes to show, less often where a scrape is large or slow.

    `scrape` returns None where it fails, which ends it. `metrics` are those that a quantity rests
    on: others cast doubt only where the start time is unknown or wavers. `clock` is in seconds.
    After `duration_s`, none is begun any more, but for the `least` number.
    """
    begun_s, watched = clock(), _Watched(metrics, first)
    number, largest = 1, max(1, len(first))
    while number < max(_MIN_SCRAPES, min(MAX_SCRAPES, MAX_BYTES // largest)):
        if clock() - begun_s > duration_s and number >= least:
            break
        exposition = scrape()
        if exposition is None:
            break
        number, largest = number + 1, max(largest, len(exposition))
        watched.add(exposition)
        if watched.result.shows_several_processes:
            break
    return replace(watched.result, page_bytes=largest)


class _Watched:
    """The samples of consecutive scrapes that can show several processes."""

    def __init__(self, metrics: frozenset[str], first: bytes) -> None:
        types = declared_types(first.decode(errors="replace"))
        self._metrics = metrics
        self._gauges = {each for each in metrics if sample_type(each, types) == GAUGE}
        self._types = types
        self._of_metrics: list[_Values] = []
        self._start_times: list[float] = []
        self._fell = self._fell_beside = ""
        self._sank: set[str] = set()
        self._last: _Values = {}
        self.add(first)

    def add(self, exposition: bytes) -> None:
        """Add the next scrape."""
        shown: list[float] = []
        values = dict(self._counters(exposition, shown))
        if shown:  # a page may show one per worker
            self._start_times.append(max(shown))
        # A counter that is gone has fallen, too: another process does not have it yet.
        sinking = [name for name in self._last if values.get(name, 0.0) < self._last[name]]
        fell = [name for name in sinking if _metric(name) not in self._gauges]
        self._sank.update({*sinking} - {*fell})
        ours = [name for name in fell if _metric(name) in self._metrics]
        self._fell = self._fell or next(iter(ours), "")
        self._fell_beside = self._fell_beside or next(iter(fell), "")
        self._last = values
        self._of_metrics.append(
            {name: value for name, value in values.items() if _metric(name) in self._metrics}
        )

    @property
    def result(self) -> RepeatedScrapes:
        """What the scrapes so far have shown."""
        is_steady = bool(self._start_times) and len(set(self._start_times)) == 1
        first, last = self._of_metrics[0], self._of_metrics[-1]
        even = set(_rising_evenly(self._of_metrics))
        moved = (name for name in last if last[name] > first.get(name, 0.0) and name not in even)
        return RepeatedScrapes(
            len(self._of_metrics),
            tuple(self._start_times),
            self._fell or ("" if is_steady else self._fell_beside),
            tuple(sorted(even)),
            tuple(sorted(moved)),
            tuple(sorted(self._sank)),
        )

    def _counters(self, exposition: bytes, start_times: list[float]) -> Iterator[tuple[str, float]]:
        for series, name, value in _SAMPLE.findall(exposition):
            metric = name.decode() or _metric(series.decode(errors="replace"))
            if metric == START_TIME:
                start_times.extend(filter(math.isfinite, [_number(value)]))
            elif metric in self._metrics or sample_type(metric, self._types) == COUNTER:
                yield _in_order(series.decode(errors="replace")), _number(value)


def _rising_evenly(scrapes: Sequence[_Values]) -> Iterator[str]:
    """Yield the series that rose by the same amount, not zero, from each scrape to the next."""
    if len(scrapes) < _MIN_SCRAPES:
        return
    for name in scrapes[-1]:
        values = [each.get(name, 0.0) for each in scrapes]
        rises = {after - before for before, after in pairwise(values)}
        if len(rises) == 1 and min(rises) > 0:
            yield name


def _in_order(series: str) -> str:
    """Return a series with its labels in order: a page may show them in another each time.

    >>> _in_order('uses_total{kind = "a,b", at="x",}')
    'uses_total{at="x",kind="a,b"}'
    """
    metric, brace, rest = series.partition("{")
    if not (metric and brace):
        return series
    return f"{metric}{{{','.join(sorted(map('='.join, _LABEL.findall(rest))))}}}"


def _metric(series: str) -> str:
    """Return the metric of a series; a name that is not classic stands first in the braces.

    >>> _metric('uses_total{at="x"}'), _metric('{"shop.uses","at.x"="y"}')
    ('uses_total', 'shop.uses')
    """
    quoted = _QUOTED_METRIC.match(series)
    return quoted[1] if quoted else series.partition("{")[0]


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
