"""Relations between quantities: each witness's own sums must agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Finding
from checks.verdict import Verdict
from tests import evidence_factory as make

SCENARIO = """
scenario: shop
quantities:
  uses:
    by: [kind]
    database: {main: "SELECT kind, count(*) FROM uses GROUP BY kind", copy: "SELECT 1"}
  use_counts:
    database: {main: "SELECT sum(usage_count) FROM cards"}
relations:
  - {name: every use is counted, equal: [uses, use_counts]}
flow:
  - step: open
    request: POST shop /open
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 1, coffee: 2}, use_counts: 3}
profiles:
  load: {users: 1, iterations: 4}
"""


def relation_of(
    place: Path, uses: Mapping[str, float], counted: float | None, scenario: str = SCENARIO
) -> Finding:
    folder = make.write_run(place, make.Load(), scenario=scenario)
    empty: dict[str, Any] = {"uses": {"rows": []}, "use_counts": {"rows": []}}
    make.write_rows(folder, "before", empty)
    rows = {"rows": [[kind, number] for kind, number in uses.items()]}
    count = {"error": "it is down"} if counted is None else {"rows": [[counted]]}
    make.write_rows(folder, "after", {"uses": rows, "use_counts": count})
    findings = judge_usage(read_case(folder)).findings
    return next(each for each in findings if each.id == "usage/relation/every-use-is-counted")


def test_sums_over_all_labels_that_are_equal_pass(tmp_path: Path) -> None:
    finding = relation_of(tmp_path, {"tea": 4, "coffee": 8}, 12)
    assert (finding.verdict, finding.observed) == (Verdict.PASS, "database:main 12 and 12")
    assert finding.expected == "uses and use_counts are equal for each witness"


def test_a_use_without_its_count_fails(tmp_path: Path) -> None:
    finding = relation_of(tmp_path, {"tea": 4, "coffee": 8}, 11)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "database:main 12 and 11")
    assert finding.detail == "database:main: the sums over all labels differ."


def test_a_fault_that_loses_both_is_left_to_the_balance(tmp_path: Path) -> None:
    assert relation_of(tmp_path, {"tea": 4, "coffee": 7}, 11).verdict is Verdict.PASS


def test_a_witness_without_a_figure_proves_nothing(tmp_path: Path) -> None:
    finding = relation_of(tmp_path, {"tea": 4, "coffee": 8}, None)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "database:main 12 and no data"


def test_a_store_is_related_to_the_same_store_of_another_quantity(tmp_path: Path) -> None:
    scenario = SCENARIO.replace('copy: "SELECT 1"', 'books: {log: "SELECT 1", sums: "SELECT 2"}')
    scenario = scenario.replace('{main: "SELECT sum(usage_count) FROM cards"}',
                                '{books: {log: "SELECT 3"}}')  # fmt: skip
    folder = make.write_run(tmp_path, make.Load(), scenario=scenario)
    for moment, uses, counts in (("before", 0, 50), ("after", 12, 61)):
        of_uses = {"main": {"rows": []}, "books/sums": {"rows": [["tea", uses]]}}
        of_uses["books/log"] = {"rows": [["tea", uses]]}
        of_counts = {"books/log": {"rows": [[counts]]}}
        results = {"uses": of_uses, "use_counts": of_counts}
        make.write_rows_by_store(folder, moment, results)
    findings = judge_usage(read_case(folder)).findings
    finding = next(each for each in findings if each.id == "usage/relation/every-use-is-counted")
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "database:books/log 12 and 11")


def test_decimals_are_added_up_exactly(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("    database: {main", "    resolution: 0.1\n    database: {main")
    finding = relation_of(tmp_path, {"tea": 0.1, "coffee": 0.2}, 0.3, scenario)
    assert (finding.verdict, finding.observed) == (Verdict.PASS, "database:main 0.3 and 0.3")
