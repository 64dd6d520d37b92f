from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from checks.balance.unseen_replicas import doubt_shortfall
from checks.balance.usage import counters_fall_short, judge_usage
from checks.case import read_case
from checks.result import ClientFigure, Code, UsageRow
from checks.verdict import Verdict
from tests.checks.balance.discovered_run import DISCOVERED, OTHER
from tests.evidence_factory import (
    BEGIN,
    END,
    SHOP,
    Load,
    settled,
    write_agreeing_witnesses,
    write_prometheus,
    write_run,
)
from witnesses.figure import Figure, Reason
from witnesses.prometheus.samples import Sample

_STAYED: list[Sample] = settled(1.0, 1.0)
_CAME: list[Sample] = [(END - 5, 1.0), *_STAYED[-3:]]
_CLIENT = ClientFigure(20, 0, False, False, False, 0)


def _rows(
    place: Path, other: Sequence[Sample], uses: Mapping[str, int], start: float = 500.0
) -> dict[str, UsageRow]:
    """Judge a run of 4 tea and 8 coffee, of which Prometheus has some on one replica."""
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    series = [({"kind": kind}, settled(0, total)) for kind, total in uses.items()]
    write_prometheus(
        folder, {"uses": series, "visits": [({}, settled(0, 4))]},
        ups={SHOP: _STAYED, OTHER: other},
        start_times={SHOP: settled(500.0, 500.0), OTHER: [(at, start) for at, _ in other]},
        collection=DISCOVERED,
    )  # fmt: skip
    rows = judge_usage(read_case(folder)).usage
    return {row.labels["kind"]: row for row in rows if row.quantity == "uses"}


def test_a_shortfall_is_no_loss_where_a_replica_came_that_may_not_be_the_only_one(
    tmp_path: Path,
) -> None:
    rows = _rows(tmp_path, _CAME, {"tea": 3, "coffee": 8}, start=BEGIN + 30)
    figure = rows["tea"].figures["prometheus"]
    assert figure == Figure(3.0, None, Reason.REPLICA_UNSEEN)
    assert (rows["tea"].verdict, rows["tea"].code) == (Verdict.INCONCLUSIVE, Code.SCRAPE_GAP)
    assert rows["coffee"].verdict is Verdict.PASS
    assert counters_fall_short(rows.values())


def test_where_no_replica_came_or_went_a_shortfall_is_one(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _STAYED, {"tea": 3, "coffee": 8})
    assert rows["tea"].verdict is Verdict.FAIL


def test_a_replica_that_came_excuses_no_count_under_another_label(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _CAME, {"tea": 3, "coffee": 9}, start=BEGIN + 30)
    assert {row.verdict for row in rows.values()} == {Verdict.FAIL}


def test_a_replica_that_came_excuses_no_excess(tmp_path: Path) -> None:
    rows = _rows(tmp_path, _CAME, {"tea": 5, "coffee": 8}, start=BEGIN + 30)
    assert rows["tea"].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("figures", "doubted"),
    [
        ({"service": 20, "prometheus": 19}, {"prometheus"}),
        ({"service": 19, "prometheus": 19}, {"service", "prometheus"}),
        ({"service": 20, "prometheus": 20, "database:main": 21}, {"service", "prometheus"}),
        ({"prometheus": 20, "database:main": 19}, set()),
        ({"prometheus": 22}, set()),
    ],
)
def test_what_falls_short_of_the_client_or_of_any_witness_is_a_lower_bound(
    figures: Mapping[str, int], doubted: set[str]
) -> None:
    exact = {name: Figure.exact(value) for name, value in figures.items()}
    found = doubt_shortfall(exact, _CLIENT)
    assert {name for name, figure in found.items() if not figure.is_exact} == doubted
    assert all(found[name].low == figures[name] for name in figures)
