"""Balances of quantities whose amounts are decimals, from evidence on disk."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Code, UsageRow
from checks.result_document import read_result, render_result
from checks.suite import judge
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests import evidence_factory as make

SCENARIO = """
scenario: shop
quantities:
  uses:
    by: [kind]
    unit: tokens
    prometheus: uses_total{tenant="{{ tenant }}"}
    database: {main: "SELECT kind, sum(tokens) FROM uses WHERE tenant = :tenant GROUP BY kind"}
flow:
  - step: open
    request: POST shop /open
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 0.1, coffee: 12.5}}
profiles:
  load: {users: 1, iterations: 4}
"""
ADDED_UP = 0.1 + 0.1 + 0.1 + 0.1


def folder_of(
    place: Path,
    service: Mapping[str, float],
    database: Mapping[str, float] | None = None,
    scenario: str = SCENARIO,
) -> RunFolder:
    folder = make.write_run(place, make.Load(), scenario=scenario)
    make.write_expositions(folder, "before", {"shop-0": make.exposition({})})
    make.write_expositions(folder, "after", {"shop-0": make.exposition(service)})
    make.write_rows(folder, "before", {"uses": {"rows": []}})
    stored = service if database is None else database
    make.write_rows(folder, "after", {"uses": {"rows": [[k, n] for k, n in stored.items()]}})
    series = [({"kind": kind}, make.settled(0, total)) for kind, total in service.items()]
    make.write_prometheus(folder, {"uses": series})
    return folder


def rows_of(folder: RunFolder) -> dict[str, UsageRow]:
    usage = judge_usage(read_case(folder)).usage
    return {row.labels["kind"]: row for row in usage}


def test_floats_of_every_witness_agree_with_the_exact_sum(tmp_path: Path) -> None:
    rows = rows_of(folder_of(tmp_path, {"tea": ADDED_UP, "coffee": 50.0}))
    assert [row.verdict for row in rows.values()] == [Verdict.PASS, Verdict.PASS]
    tea = rows["tea"]
    assert tea.client.confirmed == Fraction(2, 5)
    assert {figure.value for figure in tea.figures.values()} == {Fraction(2, 5)}
    assert (tea.unit, tea.resolution) == ("tokens", Fraction(1, 1_000_000))


def test_the_finding_says_at_which_resolution_amounts_were_compared(tmp_path: Path) -> None:
    case = read_case(folder_of(tmp_path, {"tea": ADDED_UP, "coffee": 50.0}))
    finding = next(each for each in judge_usage(case).findings if each.id == "usage/uses")
    assert finding.expected.endswith(", compared at the resolution 0.000001")


@pytest.mark.parametrize(
    ("coffee", "code", "sentence"),
    [
        (37.5, Code.LOST_COUNT, "stand 12.5 tokens below"),
        (62.5, Code.DOUBLE_COUNT, "stand 12.5 tokens above"),
        (49.996, Code.LOST_COUNT, "stand 0.004 tokens below"),
    ],
)
def test_a_charge_that_is_lost_doubled_or_rounded_fails_with_its_amount(
    tmp_path: Path, coffee: float, code: Code, sentence: str
) -> None:
    stored = {"tea": ADDED_UP, "coffee": 50.0}
    case = read_case(folder_of(tmp_path, {"tea": ADDED_UP, "coffee": coffee}, stored))
    judged = judge_usage(case)
    coffee_row = next(row for row in judged.usage if row.labels["kind"] == "coffee")
    assert (coffee_row.verdict, coffee_row.code) == (Verdict.FAIL, code)
    assert sentence in judged.findings[0].detail


def test_a_charge_of_one_kind_that_is_booked_on_another_is_found_by_its_amount(
    tmp_path: Path,
) -> None:
    stored = {"tea": ADDED_UP, "coffee": 50.0}
    rows = rows_of(folder_of(tmp_path, {"tea": ADDED_UP + 12.5, "coffee": 37.5}, stored))
    assert rows["coffee"].code is rows["tea"].code is Code.WRONG_LABEL
    misplaced = rows["coffee"].misplaced
    assert misplaced
    assert (misplaced.amount, misplaced.found_under) == (Fraction(25, 2), ((("tea",), 12.5),))


def test_a_database_that_stored_a_rounded_charge_stands_apart(tmp_path: Path) -> None:
    counted = {"tea": ADDED_UP, "coffee": 50.0}
    rows = rows_of(folder_of(tmp_path, counted, {"tea": 0.4, "coffee": 49.99999951}))
    assert (rows["tea"].verdict, rows["coffee"].code) == (Verdict.PASS, Code.LOST_ROW)


def test_the_result_has_the_amounts_as_numbers_and_reads_them_back_exactly(
    tmp_path: Path,
) -> None:

    folder = folder_of(tmp_path, {"tea": ADDED_UP, "coffee": 50.0})
    result = judge(folder)
    text = render_result(result)
    assert '"confirmed": 0.4,' in text
    assert '"resolution": 1e-6' in text
    (folder.path / "again.json").write_text(text, encoding="utf-8")
    assert read_result(folder.path / "again.json").usage == result.usage


@pytest.mark.parametrize(
    ("counted", "verdict", "code"),
    [
        (62.5, Verdict.PASS, None),
        (50.0, Verdict.PASS, None),
        (37.5, Verdict.FAIL, Code.NOT_DONE),
    ],
)
def test_more_is_no_fault_of_a_quantity_that_expects_at_least(
    tmp_path: Path, counted: float, verdict: Verdict, code: Code | None
) -> None:
    scenario = SCENARIO.replace("unit: tokens", "expect: at least")
    folder = folder_of(tmp_path, {"tea": ADDED_UP, "coffee": counted}, scenario=scenario)
    row = rows_of(folder)["coffee"]
    assert (row.verdict, row.code) == (verdict, code)
    assert row.client.is_at_least


def test_witnesses_of_a_quantity_that_expects_at_least_must_agree_with_each_other(
    tmp_path: Path,
) -> None:
    scenario = SCENARIO.replace("unit: tokens", "expect: at least")
    counted, stored = {"tea": ADDED_UP, "coffee": 62.5}, {"tea": ADDED_UP, "coffee": 75.0}
    row = rows_of(folder_of(tmp_path, counted, stored, scenario=scenario))["coffee"]
    assert row.verdict is Verdict.FAIL


def test_a_quantity_that_expects_at_least_and_counted_nothing_is_no_pass(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("unit: tokens", "expect: at least").replace("tea: 0.1, ", "")
    scenario = scenario.replace("coffee: 12.5", "coffee: 0")
    rows = rows_of(folder_of(tmp_path, {}, {}, scenario=scenario))
    assert [(row.verdict, row.code) for row in rows.values()] == [
        (Verdict.INCONCLUSIVE, Code.NOTHING_COUNTED)
    ]
