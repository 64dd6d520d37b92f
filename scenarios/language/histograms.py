"""Names and units of histograms of durations, and the selectors of their buckets."""

import math
from collections.abc import Mapping

BUCKET, EDGE = "_bucket", "le"
# The samples of a classic histogram; a scenario names the histogram itself.
SAMPLE_SUFFIXES = (BUCKET, "_count", "_sum", "_created")

_PER_SECOND: Mapping[str, float] = {
    "_seconds": 1, "_milliseconds": 1_000, "_ms": 1_000, "_microseconds": 1_000_000,
    "_us": 1_000_000,
}  # fmt: skip
UNITS: Mapping[str, float] = {"s": 1, "ms": 1_000, "us": 1_000_000}


def units_per_second(metric: str) -> float | None:
    """Return how many units of a metric make a second, by the end of its name; None if unknown.

    >>> units_per_second("took_seconds"), units_per_second("rpc_ms"), units_per_second("sizes")
    (1, 1000, None)
    """
    return next((n for ending, n in _PER_SECOND.items() if metric.endswith(ending)), None)


def bucket_selector(text: str) -> str:
    """Return the selector of the buckets of a histogram, given its own plain selector.

    >>> print(bucket_selector('took_seconds{route="/a"}'), bucket_selector('{"a.b", c="d"}'))
    took_seconds_bucket{route="/a"} {"a.b_bucket", c="d"}
    """
    name, brace, rest = text.partition("{")
    if name.strip():
        return f"{name.strip()}{BUCKET}{brace}{rest}"
    before, quote, inside = rest.partition('"')
    quoted, end, others = inside.partition('"')
    return f"{brace}{before}{quote}{quoted}{BUCKET}{end}{others}"


def edge_s(text: str, per_second: float) -> float:
    """Return an upper edge, the value of `le`, in seconds; NaN if it is no number.

    >>> edge_s("2500", 1_000), edge_s("2.50", 1), edge_s("+Inf", 1), edge_s("much", 1)
    (2.5, 2.5, inf, nan)
    """
    try:
        return float(text) / per_second
    except ValueError:
        return math.nan


def is_at(edge: float, limit: float) -> bool:
    """Return whether an edge is a limit, but for the last bits of its decimals.

    >>> is_at(0.7, 700 * 0.001), is_at(0.7, 0.701)
    (True, False)
    """
    return edge == limit or math.isclose(edge, limit, rel_tol=1e-9)
