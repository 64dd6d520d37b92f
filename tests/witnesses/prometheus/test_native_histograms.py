"""Native histograms, read as cumulative counts at the edges around a limit."""

import json
import math
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from witnesses.prometheus.native_histograms import Bucket, at_edges, buckets_in, edges_for
from witnesses.prometheus.samples import RawSeries, raw_series

LABELS = {"__name__": "took_seconds", "job": "shop"}


def native(*samples: tuple[float, Sequence[tuple[str, str, int]]]) -> RawSeries:
    """Read a native histogram as Prometheus responds with it."""
    histograms: list[Any] = [
        [at, {"count": str(sum(n for *_, n in buckets)), "sum": "1.5",
              "buckets": [[0, left, right, str(n)] for left, right, n in buckets]}]
        for at, buckets in samples
    ]  # fmt: skip
    result = [{"metric": LABELS, "histograms": histograms}]
    response = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    (series,) = raw_series(json.dumps(response).encode())
    return series


SERIES = native(
    (10.0, [("1", "2", 3)]), (20.0, [("1", "2", 5), ("2", "4", 2), ("4", "+Inf", 1)])
)  # fmt: skip


def test_the_samples_of_a_native_histogram_are_its_counts() -> None:
    assert SERIES.samples == [(10.0, 3.0), (20.0, 8.0)]
    assert buckets_in(SERIES) == {(1.0, 2.0), (2.0, 4.0), (4.0, math.inf)}


def test_a_histogram_without_a_value_has_no_buckets() -> None:
    empty = {"metric": LABELS, "histograms": [[10.0, {"count": "0", "sum": "0"}]]}
    response = {"status": "success", "data": {"resultType": "matrix", "result": [empty]}}
    (series,) = raw_series(json.dumps(response).encode())
    assert (series.samples, buckets_in(series)) == ([(10.0, 0.0)], set())


def test_an_instant_vector_is_still_no_range_vector() -> None:
    instant = {"metric": LABELS, "histogram": [10.0, {"count": "3", "sum": "1"}]}
    response = {"status": "success", "data": {"resultType": "vector", "result": [instant]}}
    with pytest.raises(ValueError, match="not the range vector"):
        list(raw_series(json.dumps(response).encode()))


def test_each_edge_is_a_series_of_cumulative_counts() -> None:
    read = {each.labels["le"]: each.samples for each in at_edges([SERIES], [2.0, 4.0])}
    assert read == {
        "2.0": [(10.0, 3.0), (20.0, 5.0)],
        "4.0": [(10.0, 3.0), (20.0, 7.0)],
        "inf": [(10.0, 3.0), (20.0, 8.0)],
    }
    assert all(each.labels["job"] == "shop" for each in at_edges([SERIES], [2.0]))


def test_a_boundary_is_an_edge_but_for_its_last_bits() -> None:
    series = native((10.0, [("2", "2.8284271247461903", 4)]))
    below, above = edges_for(buckets_in(series), 2.0 * math.sqrt(2))
    assert below == above
    assert next(iter(at_edges([series], [below]))).samples == [(10.0, 4.0)]


@pytest.mark.parametrize(
    ("buckets", "limit", "edges"),
    [
        ([(2.0, 2.83), (2.83, 4.0)], 2.5, (2.0, 2.83)),
        ([(1.0, 2.0), (4.0, 8.0)], 2.5, (2.5, 2.5)),
        ([(2.0, 2.83), (1.0, 4.0)], 2.5, (1.0, 4.0)),
        ([(-0.001, 0.001)], 0.0005, (-0.001, 0.001)),
        ([(4.0, math.inf)], 5.0, (4.0, math.inf)),
        ([], 2.5, (2.5, 2.5)),
    ],
    ids=["within", "gap", "two resolutions", "zero bucket", "overflow", "none"],
)
def test_only_a_bucket_with_a_value_bounds_a_limit_within_it(
    buckets: Collection[Bucket], limit: float, edges: tuple[float, float]
) -> None:
    assert edges_for(buckets, limit) == edges


def test_a_classic_series_has_no_edges() -> None:
    assert list(at_edges([RawSeries(b"{}", [(10.0, 1.0)])], [2.0])) == []
