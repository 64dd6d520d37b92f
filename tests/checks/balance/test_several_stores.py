"""Several stores of one kind: a log of uses, and the running totals that follow from it."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from checks.balance.sentences import row_sentences
from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Code, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests import evidence_factory as make
from tests.checks.balance.test_doubt_resolution import IN_DOUBT
from witnesses.figure import Reason

SCENARIO = """
scenario: shop
quantities:
  uses:
    by: [kind]
    database:
      billing:
        log: "SELECT kind, count(*) FROM log GROUP BY kind"
        totals: "SELECT kind, n FROM totals"
flow:
  - step: open
    request: POST shop /open
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 1}}
profiles:
  load: {users: 1, iterations: 4}
"""
TRACED = SCENARIO.replace(
    "\nflow:",
    '\n    traces: {billing: {log: "SELECT trace, kind, count(*) FROM log GROUP BY 1, 2"}}\nflow:',
)


def _run(
    place: Path, log: tuple[int, int], totals: tuple[int, int], traced: Iterable[int] | None = None,
    load: make.Load | None = None,
) -> RunFolder:  # fmt: skip
    """Write a run of four uses; each store's counts are those before and after.

    `traced` are the iterations whose rows are in the log.
    """
    scenario = SCENARIO if traced is None else TRACED
    folder = make.write_run(place, load or make.Load(), scenario=scenario)
    for moment, of_log, of_totals in zip(("before", "after"), log, totals, strict=True):
        of_uses = {"billing/log": of_log, "billing/totals": of_totals}
        rows = {store: {"rows": [["tea", count]]} for store, count in of_uses.items()}
        make.write_rows_by_store(folder, moment, {"uses": rows})
    if traced is not None:
        lines = (json.dumps([f"{make.RUN_ID}-load-{2 * each}", "tea", 1]) for each in traced)
        content = "".join(f"{line}\n" for line in lines)
        folder.write_witness_file("database/traces-uses.jsonl", content.encode())
        folder.write_witness_file("database/traces.json", b'{"uses": ""}')
    return folder


def _row(folder: RunFolder) -> UsageRow:
    (row,) = judge_usage(read_case(folder)).usage
    return row


def test_stores_that_agree_pass_though_the_totals_began_long_before(tmp_path: Path) -> None:
    row = _row(_run(tmp_path, (0, 4), (1_000, 1_004)))
    assert (row.verdict, row.code) == (Verdict.PASS, None)
    assert list(row.figures) == ["database:billing/log", "database:billing/totals"]


@pytest.mark.parametrize(
    ("log", "totals", "code", "words"),
    [
        (4, 3, Code.LOST_ROW, "database:billing/totals stands 1 below"),
        (4, 5, Code.EXTRA_ROW, "database:billing/totals stands 1 above"),
        (3, 4, Code.LOST_ROW, "database:billing/log stands 1 below"),
        (5, 4, Code.EXTRA_ROW, "database:billing/log stands 1 above"),
        (3, 3, Code.LOST_ROW, "database:billing/log and database:billing/totals stand 1 below"),
    ],
)
def test_the_store_that_deviates_is_named(
    tmp_path: Path, log: int, totals: int, code: Code, words: str
) -> None:
    row = _row(_run(tmp_path, (7, 7 + log), (100, 100 + totals)))
    assert (row.verdict, row.code) == (Verdict.FAIL, code)
    assert words in " ".join(row_sentences(row))


@pytest.mark.parametrize("totals", [3, 5])
def test_rows_by_trace_id_excuse_no_totals_that_deviate(tmp_path: Path, totals: int) -> None:
    """They show that the log is whole: its count may have lost old rows, but no running total."""
    row = _row(_run(tmp_path, (0, 4), (100, 100 + totals), traced=(1, 2, 3, 4)))
    assert row.verdict is Verdict.FAIL
    assert row.code is (Code.LOST_ROW if totals < 4 else Code.EXTRA_ROW)
    assert all(figure.is_exact for figure in row.figures.values())
    assert "The client and database:billing/log agree on 4" in " ".join(row_sentences(row))


def test_old_rows_that_leave_the_log_are_no_lost_rows_of_it(tmp_path: Path) -> None:
    row = _row(_run(tmp_path, (10, 12), (100, 104), traced=(1, 2, 3, 4)))
    assert row.verdict is Verdict.INCONCLUSIVE
    assert row.figures["database:billing/log"].reason is Reason.ROWS_REMOVED
    assert row.figures["database:billing/totals"].is_exact


def test_a_request_without_its_row_is_named_though_the_totals_agree(tmp_path: Path) -> None:
    row = _row(_run(tmp_path, (0, 3), (100, 104), traced=(1, 2, 4)))
    assert row.records is not None
    assert row.records.missing_ids == (f"{make.RUN_ID}-load-6",)


def test_a_doubt_is_resolved_by_the_store_that_has_the_trace_ids(tmp_path: Path) -> None:
    """The totals began at 100: they are no counts of the rows that have trace ids."""
    row = _row(_run(tmp_path, (0, 4), (100, 104), traced=(1, 2, 3, 4), load=make.Load(IN_DOUBT)))
    assert (row.client.confirmed, row.client.in_doubt) == (4, 0)
    assert row.verdict is Verdict.PASS


def test_a_store_that_cannot_be_asked_leaves_it_open_though_the_other_agrees(
    tmp_path: Path,
) -> None:
    folder = _run(tmp_path, (0, 4), (0, 4))
    log, down = {"rows": [["tea", 4]]}, {"error": "it is down"}
    make.write_rows_by_store(
        folder, "after", {"uses": {"billing/log": log, "billing/totals": down}}
    )
    row = _row(folder)
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.WITNESS_DOWN)


def test_a_store_that_deviates_fails_though_the_other_cannot_be_asked(tmp_path: Path) -> None:
    folder = _run(tmp_path, (0, 4), (0, 4))
    log, down = {"rows": [["tea", 3]]}, {"error": "it is down"}
    make.write_rows_by_store(
        folder, "after", {"uses": {"billing/log": log, "billing/totals": down}}
    )
    assert _row(folder).verdict is Verdict.FAIL
