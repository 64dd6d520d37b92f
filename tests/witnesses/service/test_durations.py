import math
from pathlib import Path

import pytest

from tests.evidence_factory import write_expositions, write_run
from witnesses.service.durations import DurationSeries, read_durations
from witnesses.service.reading import read_services

EDGES = ("0.5", "2.5", "+Inf")


def page(
    *series: tuple[str, tuple[float, ...]], metric: str = "took_seconds", kind: str = "histogram",
    edges: tuple[str, ...] = EDGES, start_time: float = 500.0,
) -> str:  # fmt: skip
    lines = ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {start_time}",
             f"# TYPE {metric} {kind}"]  # fmt: skip
    for labels, counts in series:
        lines += [f'{metric}_bucket{{{labels}le="{edge}"}} {count}'
                  for edge, count in zip(edges, counts, strict=True)]  # fmt: skip
    return "\n".join(lines) + "\n"


def durations(place: Path, before: dict[str, str], after: dict[str, str]) -> list[DurationSeries]:
    folder = write_run(place)
    write_expositions(folder, "before", before)
    write_expositions(folder, "after", after)
    return read_durations(read_services(folder))


def grown(place: Path, before: str, after: str) -> list[DurationSeries]:
    return durations(place, {"shop-0": before}, {"shop-0": after})


def test_what_grew_during_the_run_counts_by_upper_edge(tmp_path: Path) -> None:
    (series,) = grown(
        tmp_path, page(('path="/a",', (10, 12, 12))), page(('path="/a",', (90, 108, 112)))
    )
    assert (series.service, series.metric, series.labels) == (
        "shop",
        "took_seconds",
        {"path": "/a"},
    )
    assert series.edges_s == (0.5, 2.5, math.inf)
    assert series.counts == (80, 96, 100)


@pytest.mark.parametrize(
    ("limit_s", "counts"),
    [(0.5, (80, 80)), (2.5, (96, 96)), (1.0, (80, 96)), (0.1, (0, 80)), (9.0, (96, 100))],
)
def test_a_limit_at_an_edge_is_exact_and_one_between_edges_a_range(
    limit_s: float, counts: tuple[float, float]
) -> None:
    series = DurationSeries("shop", "took_seconds", {}, (0.5, 2.5, math.inf), (80, 96, 100))
    assert series.within(limit_s) == counts


def test_an_edge_is_at_a_limit_though_their_last_bits_differ() -> None:
    series = DurationSeries("shop", "took_seconds", {}, (0.7, 2.5, math.inf), (80, 96, 100))
    assert series.within(700 * 0.001) == (80, 80)


def test_milliseconds_become_seconds(tmp_path: Path) -> None:
    after = page(("", (1, 2, 3)), metric="took_milliseconds", edges=("700", "2500", "+Inf"))
    (series,) = grown(tmp_path, page(metric="took_milliseconds"), after)
    assert series.edges_s == (0.7, 2.5, math.inf)


def test_replicas_add_up_and_one_address_counts_once(tmp_path: Path) -> None:
    before, after = page(), page(("", (1, 2, 4)))
    two = {"shop-0": before, "shop-1": before}, {"shop-0": after, "shop-1": after}
    (series,) = durations(tmp_path, *two)
    assert series.counts == (2, 4, 8)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (page(), page(("", (1, 2, 3)), kind="gauge")),
        (page(), page(("", (1, 2, 3)), metric="took_bytes")),
        (page(("", (1, 2, 3))), page(("", (1, 2, 3)))),
        (page(("", (5, 6, 7))), page(("", (1, 2, 3)))),
        (page(), page(("", (3, 2, 3)))),
        (page(), page(("", (1, 2, 3)), edges=("0.5", "2.5", "5"))),
        (page(), page(("", (1, 2, 3)), edges=("0.5", "much", "+Inf"))),
        (page(start_time=500.0), page(("", (1, 2, 3)), start_time=900.0)),
    ],
    ids=["gauge", "no time", "stands", "fell", "not cumulative", "no end", "no edge", "restarted"],
)
def test_what_is_no_duration_or_in_doubt_is_left_out(
    tmp_path: Path, before: str, after: str
) -> None:
    assert grown(tmp_path, before, after) == []


def test_replicas_with_different_edges_are_not_added_up(tmp_path: Path) -> None:
    other = page(("", (1, 2, 4)), edges=("0.1", "1", "+Inf"))
    before = {"shop-0": page(), "shop-1": page()}
    assert durations(tmp_path, before, {"shop-0": page(("", (1, 2, 4))), "shop-1": other}) == []
