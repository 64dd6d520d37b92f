"""The figure of a witness: the increase of one count, and how it can be wrong.

    exact      ────●────      low = high
    at least   ────●━━━━▶     low only: nothing can have overstated it
    at most    ◀━━━●────      high only: nothing can have understated it
    between    ──●━━━●──      both
    void       ◀━━━━━━━━▶     neither: it proves nothing

Whatever is not exact has a `Reason`. Verdicts and codes rest on reasons and directions, never on
`detail` or a sentence, which are for people.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

Labels = tuple[str, ...]


class Direction(StrEnum):
    """In which direction a figure can be wrong."""

    EXACT = "exact"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    BETWEEN = "between"
    VOID = "void"


class Reason(StrEnum):
    """Why a figure is not exact, the weightiest first: of two reasons, the first one is kept."""

    SEVERAL_PROCESSES = "several_processes"
    SHARED_TARGET = "shared_target"
    BEYOND_PRECISION = "beyond_precision"
    FEW_DIGITS = "few_digits"
    CLOCK_SET = "clock_set"
    PROCESS_RESTARTED = "process_restarted"
    DELTA_TEMPORALITY = "delta_temporality"
    COUNTER_FELL = "counter_fell"
    PERHAPS_RESTARTED = "perhaps_restarted"
    RESTART_UNSEEN = "restart_unseen"
    REPLICA_GONE = "replica_gone"
    REPLICA_UNSEEN = "replica_unseen"
    OTHER_TRAFFIC = "other_traffic"
    OTHER_TARGETS = "other_targets"
    SEVERAL_SERVICES = "several_services"
    SELF_COUNTING = "self_counting"
    MOVED_BEFORE = "moved_before"
    MOVED_AFTER = "moved_after"
    NOT_STEADY_BEFORE = "not_steady_before"
    NOT_SCRAPED_BEFORE = "not_scraped_before"
    NOT_SCRAPED_BEFORE_START = "not_scraped_before_start"
    NOT_PUSHED_BEFORE = "not_pushed_before"
    STALE_BEFORE = "stale_before"
    STALE_AFTER = "stale_after"
    STILL_MOVING = "still_moving"
    NOT_SETTLED = "not_settled"
    NOT_SCRAPED_AFTER = "not_scraped_after"
    NOT_PUSHED_AFTER = "not_pushed_after"
    SCRAPES_UNKNOWN = "scrapes_unknown"
    REPLICAS_NOT_SCRAPED = "replicas_not_scraped"
    REPLICAS_NOT_NAMED = "replicas_not_named"
    NO_TARGET = "no_target"
    EMPTY_EXPOSITION = "empty_exposition"
    SCRAPE_FAILED = "scrape_failed"
    METRIC_ABSENT = "metric_absent"
    SERIES_ABSENT = "series_absent"
    LABEL_ABSENT = "label_absent"
    MATCHES_IN_PART = "matches_in_part"
    PROMETHEUS_DOWN = "prometheus_down"
    DATABASE_DOWN = "database_down"
    API_DOWN = "api_down"
    API_REFUSED = "api_refused"
    USAGE_INCOMPLETE = "usage_incomplete"
    USAGE_INVALID = "usage_invalid"
    PERIOD_BEGAN = "period_began"
    USAGE_FELL = "usage_fell"
    ROWS_REMOVED = "rows_removed"
    QUERY_RESULT_INVALID = "query_result_invalid"
    NOT_COLLECTED = "not_collected"


WEIGHTIEST_FIRST = tuple(Reason)

# Which bounds of a figure still hold for a reason. What others, or the harness itself, may have
# counted can only overstate; what was not seen can only understate; of all other reasons, such as
# interleaved processes or a counter that fell by itself, no bound follows.
_ONLY_OVERSTATES = (
    Reason.OTHER_TRAFFIC, Reason.OTHER_TARGETS, Reason.SEVERAL_SERVICES, Reason.SELF_COUNTING,
    Reason.MOVED_BEFORE, Reason.MOVED_AFTER, Reason.NOT_STEADY_BEFORE, Reason.STALE_BEFORE,
)  # fmt: skip
_ONLY_UNDERSTATES = (
    Reason.PROCESS_RESTARTED, Reason.PERHAPS_RESTARTED, Reason.RESTART_UNSEEN, Reason.REPLICA_GONE,
    Reason.REPLICA_UNSEEN, Reason.STALE_AFTER,
    Reason.NOT_SETTLED, Reason.NOT_SCRAPED_BEFORE, Reason.NOT_SCRAPED_BEFORE_START,
    Reason.NOT_SCRAPED_AFTER, Reason.NOT_PUSHED_AFTER, Reason.REPLICAS_NOT_SCRAPED,
    Reason.REPLICAS_NOT_NAMED, Reason.SCRAPE_FAILED, Reason.EMPTY_EXPOSITION, Reason.ROWS_REMOVED,
)  # fmt: skip

# A float64 counts by ones up to here: of a larger counter, an increase of 1 cannot be seen.
MAX_COUNT = 2.0**53


def _to_json(amount: float | Fraction) -> float:
    return float(amount) if isinstance(amount, Fraction) else amount


def _from_json(number: Any) -> Any:
    """Return a number as the decimal that it is written as; a whole one as it is."""
    is_decimal = isinstance(number, float) and number.is_integer() is False
    return Fraction(Decimal(repr(number))) if is_decimal else number


# An amount in the unit of its quantity: a number, or a fraction where it is a decimal. In JSON it
# is a number, which has all digits of a decimal of up to 15.
Amount = Annotated[
    float | Fraction,
    BeforeValidator(_from_json),
    PlainSerializer(_to_json, when_used="json"),
    WithJsonSchema({"type": "number"}),
]


def total_of(*amounts: Amount) -> Amount:
    """Add amounts up, exactly if one of them is a decimal.

    >>> total_of(0.0, Fraction(1, 10), Fraction(1, 5)), total_of(1.0, 2)
    (Fraction(3, 10), 3.0)
    """
    if any(isinstance(each, Fraction) for each in amounts):
        return sum((Fraction(each) for each in amounts), Fraction(0))
    return sum(amounts)


def size_of(amount: Amount) -> Amount:
    """Return the absolute value of an amount."""
    return max(amount, -amount)


@dataclass(frozen=True, slots=True)
class Figure:
    """The increase that a witness reports: from `low` to `high`, where None is no bound.

    `detail` holds facts for people, such as an address; no decision rests on it. `late` is how much
    of the increase was counted well after the last response.

    >>> Figure.exact(4).direction, Figure.at_least(4, Reason.COUNTER_FELL).direction
    (<Direction.EXACT: 'exact'>, <Direction.AT_LEAST: 'at least'>)
    """

    low: Amount | None
    high: Amount | None
    reason: Reason | None = None
    detail: str = ""
    late: Amount = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a figure that is not exact and has no reason."""
        if self.reason is None and (self.low is None or self.low != self.high):
            raise ValueError("a figure that is not exact needs a reason")

    @classmethod
    def exact(cls, value: Amount, late: Amount = 0.0) -> "Figure":
        """Return a figure that cannot be wrong."""
        return cls(value, value, late=late)

    @classmethod
    def at_least(cls, value: Amount, reason: Reason) -> "Figure":
        """Return a figure that nothing can have overstated."""
        return cls(value, None, reason)

    @classmethod
    def at_most(cls, value: Amount, reason: Reason, detail: str = "") -> "Figure":
        """Return a figure that nothing can have understated."""
        return cls(None, value, reason, detail)

    @classmethod
    def void(cls, reason: Reason, detail: str = "") -> "Figure":
        """Return a figure that proves nothing."""
        return cls(None, None, reason, detail)

    @property
    def direction(self) -> Direction:
        """In which direction it can be wrong."""
        if self.reason is None:
            return Direction.EXACT
        if self.low is None:
            return Direction.VOID if self.high is None else Direction.AT_MOST
        return Direction.AT_LEAST if self.high is None else Direction.BETWEEN

    @property
    def is_exact(self) -> bool:
        """Whether it cannot be wrong."""
        return self.reason is None

    @property
    def value(self) -> Amount | None:
        """The number to show: the exact value, or else the bound; None of a void figure."""
        return self.high if self.low is None else self.low

    def doubted(self, reason: Reason, detail: str = "") -> "Figure":
        """Return the figure with a further reason to doubt it, and the bounds that still hold."""
        low = self.low if reason in _ONLY_UNDERSTATES else None
        high = self.high if reason in _ONLY_OVERSTATES else None
        return Figure(low, high, *self._weightier(reason, detail), self.late)

    def widened(self, by: Amount, reason: Reason, detail: str = "") -> "Figure":
        """Return the figure with bounds that are off by at most so much, and never below zero.

        >>> widened = Figure.exact(20).widened(30, Reason.FEW_DIGITS)
        >>> widened.low, widened.high, widened.direction
        (0, 50, <Direction.BETWEEN: 'between'>)
        """
        low = None if self.low is None else max(0, self.low - by)
        high = None if self.high is None else self.high + by
        return Figure(low, high, *self._weightier(reason, detail), self.late)

    def __add__(self, other: "Figure") -> "Figure":
        """Add bound by bound; a sum lacks each bound that a part lacks."""
        low = None if self.low is None or other.low is None else total_of(self.low, other.low)
        high = None if self.high is None or other.high is None else total_of(self.high, other.high)
        late = total_of(self.late, other.late)
        if other.reason is None:
            return Figure(low, high, self.reason, self.detail, late)
        return Figure(low, high, *self._weightier(other.reason, other.detail), late)

    def _weightier(self, reason: Reason, detail: str) -> tuple[Reason, str]:
        if self.reason is None:
            return reason, detail
        pairs = [(self.reason, self.detail), (reason, detail)]
        return min(pairs, key=lambda pair: WEIGHTIEST_FIRST.index(pair[0]))


ZERO = Figure.exact(0.0)


@dataclass(frozen=True)
class Figures:
    """A witness's figures for one quantity by label values; `absent` is for all others."""

    by_labels: Mapping[Labels, Figure]
    absent: Figure

    def at(self, labels: Labels) -> Figure:
        """Return the figure for label values."""
        return self.by_labels.get(labels, self.absent)

    def doubted(self, reason: Reason, detail: str = "") -> "Figures":
        """Return the figures with a further reason to doubt each of them."""
        by_labels = {
            labels: figure.doubted(reason, detail) for labels, figure in self.by_labels.items()
        }
        return Figures(by_labels, self.absent.doubted(reason, detail))


def void_figures(reason: Reason, detail: str = "") -> Figures:
    """Return the figures of a witness that could not be read at all."""
    return Figures({}, Figure.void(reason, detail))


def sum_by_labels(figures: Iterable[tuple[Labels, Figure]]) -> dict[Labels, Figure]:
    """Add up the figures of the same label values."""
    sums: dict[Labels, Figure] = {}
    for labels, figure in figures:
        sums[labels] = sums.get(labels, ZERO) + figure
    return sums
