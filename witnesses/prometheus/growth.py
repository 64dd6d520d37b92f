"""How far a counter had grown at each scrape, with resets added up."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from witnesses.figure import Amount
from witnesses.prometheus.samples import Sample


class Growth(NamedTuple):
    """How far a counter had grown at one scrape, which began at `at` and ended at `answered_at`."""

    at: float
    answered_at: float
    grown: Amount


def grown(seen: Sequence[Sample], start: float, durations_s: Mapping[float, float]) -> list[Growth]:
    """Return the increase from a start value up to each scrape (epoch seconds, value)."""
    values = [start, *(value for _, value in seen)]
    # Each drop is a reset: what the counter had before it is added to all later values.
    #     value   5  8  2  4        (reset between 8 and 2)
    #     lost    0  0  8  8
    #     sum     0  3  5  7        value - first + lost
    lost = [0.0, *(before if after < before else 0.0 for before, after in pairwise(values))]
    sums = [value - start + so_far for value, so_far in zip(values, accumulate(lost), strict=True)]
    return [
        Growth(at, at + durations_s.get(at, 0.0), by)
        for (at, _), by in zip(seen, sums[1:], strict=True)
    ]
