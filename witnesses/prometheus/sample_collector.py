"""How are all raw samples of a run taken? In windows of time, each answer of a bounded size."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

from scenarios.evidence.run_folder import RunFolder
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries
from witnesses.prometheus.increase import QUIET_SCRAPES, is_quiet
from witnesses.prometheus.samples import raw_series
from witnesses.prometheus.windows import BIRTHS, DURATIONS, SHOWN, UP, file_name

# About 10 MB of an answer, beside its labels. Prometheus refuses more than fifty million.
MOST_SAMPLES = 500_000
_FIRST_SCRAPES = 60
_FEWEST_SCRAPES = 8
_MOST_LONGER = 4.0
_AT_LEAST_SHORTER = 0.5

# A range is closed at both ends up to Prometheus 2, and open at its start since: windows overlap,
# and who reads them skips what was seen before.
_OVERLAP_S = 1.0


class Rest(NamedTuple):
    """Whether all series stand still after the last answer, and the sum of their last values."""

    is_still: bool
    total: float


class Taking:
    """The raw samples of one run: windows that are closed, and a last one, taken until it rests.

    Nothing is lost between two windows; what lies in both is twice in the evidence.
    """

    def __init__(
        self,
        queries: PrometheusQueries,
        folder: RunFolder,
        targets: str,
        selectors: Mapping[str, str],
        pace: tuple[float, float],
        restless: Collection[str] = (),
        most_samples: int = MOST_SAMPLES,
    ) -> None:
        """Take nothing yet; `targets` is a label matcher in braces.

        `pace` is since when samples matter (epoch seconds), and the seconds between scrapes. It
        rests when all quantities do that are not among the `restless`.
        An answer has about `most_samples` at most, or a few scrapes if those have more.
        """
        self._most_samples = most_samples
        self._queries = queries
        self._folder = folder
        self._watches = {
            UP: f"up{targets}",
            BIRTHS: f"process_start_time_seconds{targets}",
            DURATIONS: f"scrape_duration_seconds{targets}",
            SHOWN: f"scrape_samples_scraped{targets}",
        }
        self._quantities = {f"quantity-{name}": each for name, each in selectors.items()}
        self._restless = {f"quantity-{name}" for name in restless}
        self._since, self._interval_s = pace
        self._length_s = _FIRST_SCRAPES * self._interval_s
        self._closed: list[float] = []
        self._last: float | None = None

    @property
    def ends(self) -> tuple[float, ...]:
        """Until when each window reaches (epoch seconds)."""
        return (*self._closed, *([] if self._last is None else [self._last]))

    def take_until(self, until: float) -> None:
        """Take closed windows while more lies before an instant than one answer should hold.

        Raises PrometheusDown.
        """
        while (end := self._next_end(until)) < until:
            self._take(end, math.inf)
            self._closed.append(end)
            self._since = end

    def take_last(self, at: float, end: float) -> Rest:
        """Take the last window, again if it was taken before; tell how all stands after `end`.

        Raises PrometheusDown.
        """
        rest = self._take(at, end)
        self._last = at
        return rest

    def close_last(self) -> None:
        """Let a further window follow the last.

        It reaches back over two scrapes: what was being written may not have been shown yet.
        """
        if self._last is not None:
            self._closed.append(self._last)
            self._since = self._last - 2 * self._interval_s
            self._last = None

    def _take(self, at: float, end: float) -> Rest:
        """The targets are asked first and written last.

        So no scrape is known whose samples are not, be it under way or the query after it refused.
        """
        told = {name: self._ask(query, at) for name, query in self._watches.items()}
        rests = []
        for name, query in self._quantities.items():
            answer = self._ask(query, at)
            self._write(name, answer)
            if end < math.inf and name not in self._restless:
                rests.append(_rest(answer, end))
        for name, answer in told.items():
            self._write(name, answer)
        return Rest(all(each.is_still for each in rests), math.fsum(each.total for each in rests))

    def _ask(self, query: str, at: float) -> bytes:
        """Ask for raw samples. Raises PrometheusDown also where the answer may not be whole."""
        answer = self._queries.ask(f"{query}[{self._range(at)}]", at)
        if answer.warnings:
            raise PrometheusDown(f"Prometheus warned: {answer.warnings[0][:200]}")
        return answer.content

    def _write(self, name: str, answer: bytes) -> None:
        number = len(self._closed) + 1
        self._folder.write_answer(f"prometheus/{file_name(name, number)}", answer)

    def _next_end(self, until: float) -> float:
        """Return how far an answer of a bounded size reaches, at most to an instant."""
        left_s, fewest_s = until - self._since, _FEWEST_SCRAPES * self._interval_s
        length_s, longer = min(self._length_s, left_s), _MOST_LONGER
        while length_s > fewest_s:
            counted = self._counted(round(self._since + length_s, 3))
            longer = min(_MOST_LONGER, self._most_samples / max(counted, 1))
            if counted <= self._most_samples:
                break
            length_s = max(fewest_s, length_s * min(_AT_LEAST_SHORTER, longer))
        self._length_s = max(fewest_s, length_s * longer)
        return until if length_s >= left_s else round(self._since + length_s, 3)

    def _counted(self, end: float) -> float:
        """Return how many samples the largest answer would hold."""
        queries = [*self._watches.values(), *self._quantities.values()]
        return max(self._counted_of(query, end) for query in queries)

    def _counted_of(self, query: str, end: float) -> float:
        """Who cannot count them may still tell them: a window then grows no longer."""
        try:
            answer = self._queries.ask(f"sum(count_over_time({query}[{self._range(end)}]))", end)
            return float(answer.result[0]["value"][1]) if answer.result else 0.0
        except (PrometheusDown, LookupError, TypeError, ValueError):
            return self._most_samples

    def _range(self, at: float) -> str:
        return f"{math.ceil(at - self._since + _OVERLAP_S)}s"


def _rest(answer: bytes, end: float) -> Rest:
    """A series that ended before the last answer, with its target, does not move either."""
    is_still, last = True, []
    try:
        for each in raw_series(answer):
            if each.samples and each.samples[-1][0] > end:
                is_still = is_still and is_quiet(each.samples[-QUIET_SCRAPES:], end)
                last.append(each.samples[-1][1])
    except ValueError as error:
        raise PrometheusDown("Prometheus does not answer with raw samples") from error
    return Rest(is_still, math.fsum(last))
