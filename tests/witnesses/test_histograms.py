"""A histogram as counters: its edges, and what they bound at a limit."""

import math
from collections.abc import Collection, Mapping

import pytest

from witnesses.figure import Figure, Figures, Reason
from witnesses.histograms import Histogram, histograms_of

COUNTS = {0.5: 80.0, 1.0: 93.0, 5.0: 98.0, math.inf: 100.0}


def histogram(counts: Mapping[float, float]) -> Histogram:
    return Histogram({edge: Figure.exact(count) for edge, count in counts.items()})


@pytest.mark.parametrize(
    ("limit_s", "edges", "within"),
    [
        (1.0, (1.0, 1.0), (93, 93)),
        (2.5, (1.0, 5.0), (93, 98)),
        (0.1, (0.0, 0.5), (0, 80)),
        (9.0, (5.0, math.inf), (98, 100)),
    ],
)
def test_the_edges_around_a_limit_bound_what_is_within_it(
    limit_s: float, edges: tuple[float, float], within: tuple[float, float]
) -> None:
    assert histogram(COUNTS).edges_around(limit_s) == edges
    assert histogram(COUNTS).within(limit_s) == within


def test_a_figure_without_a_bound_bounds_nothing_on_that_side() -> None:
    lost = {edge: Figure.at_least(count, Reason.PROCESS_RESTARTED)
            for edge, count in COUNTS.items()}  # fmt: skip
    assert Histogram(lost).within(1.0) == (93, math.inf)
    more = {edge: Figure.at_most(count, Reason.MOVED_BEFORE) for edge, count in COUNTS.items()}
    assert Histogram(more).within(1.0) == (0, 93)


@pytest.mark.parametrize(
    ("counts", "edge"), [(COUNTS, None), ({0.5: 3, 1: 2, math.inf: 4}, 0.5), ({math.inf: 4}, None)]
)
def test_a_bucket_that_holds_more_than_the_next_one_is_found(
    counts: Mapping[float, float], edge: float | None
) -> None:
    assert histogram(counts).falling_edge_s == edge


def test_a_bucket_that_may_hold_less_than_the_next_one_is_not_found() -> None:
    doubtful = Figure(1, 5, Reason.NOT_STEADY_BEFORE)
    assert Histogram({1.0: Figure.exact(3), math.inf: doubtful}).falling_edge_s is None


@pytest.mark.parametrize(
    ("edges", "shared"),
    [
        ([{"1", "5", "+Inf"}], [1, 5, math.inf]),
        ([{"1", "5", "+Inf"}, {"1.0", "+Inf"}], [1, math.inf]),
        ([{"1", "much", "+Inf"}], [1, math.inf]),
        ([], []),
    ],
)
def test_series_are_added_up_at_the_edges_that_all_of_them_have(
    edges: Collection[set[str]], shared: list[float]
) -> None:
    written = {edge for of_series in edges for edge in of_series}
    figures = Figures({(edge,): Figure.exact(1) for edge in written}, Figure.exact(0))
    read = histograms_of(figures, edges, 1.0)
    assert [list(each.counts) for each in read.values()] == ([shared] if shared else [])


def test_one_edge_that_is_written_in_two_ways_is_one() -> None:
    figures = Figures(
        {("1", "a"): Figure.exact(3), ("1.0", "a"): Figure.exact(4)}, Figure.exact(0)
    )  # fmt: skip
    (read,) = histograms_of(figures, [{"1"}, {"1.0"}], 1.0).values()
    assert read.counts == {1.0: Figure.exact(7)}
