"""Names and units of histograms of durations."""

import pytest

from scenarios.language.histograms import bucket_selector, units_per_second
from scenarios.language.selector import parse_selector


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("took_seconds", "took_seconds_bucket"),
        (" took_seconds ", "took_seconds_bucket"),
        ('took_seconds{a="{b}"}', "took_seconds_bucket"),
        ('took_seconds {a="b"}', "took_seconds_bucket"),
        ('{"http.server.duration", a="b"}', "http.server.duration_bucket"),
        ('{ "http.server.duration" }', "http.server.duration_bucket"),
    ],
)
def test_the_selector_of_the_buckets_differs_in_the_name_alone(text: str, metric: str) -> None:
    buckets, histogram = parse_selector(bucket_selector(text)), parse_selector(text)
    assert (buckets.metric, buckets.matchers) == (metric, histogram.matchers)


@pytest.mark.parametrize(
    ("metric", "per_second"),
    [("a_seconds", 1), ("a_milliseconds", 1_000), ("a_ms", 1_000), ("a_microseconds", 1_000_000),
     ("a_us", 1_000_000), ("a_bytes", None), ("seconds", None), ("a_ns_total", None)],
)  # fmt: skip
def test_a_unit_is_the_end_of_a_name(metric: str, per_second: float | None) -> None:
    assert units_per_second(metric) == per_second
