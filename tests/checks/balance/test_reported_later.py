"""Rows of the balance of a step whose amounts a later step reports, or fails to report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.result import Code, RecordGap, ResolvedDoubt, UsageRow
from checks.verdict import Verdict
from scenarios.http.messages import Response, ResponseLost
from tests import evidence_factory as make
from tests.checks.balance.metered_rows import judge_stored
from tests.metered_run import QUANTITY, write_recorded_run
from tests.scenarios.shop_scenario import answered

STARTED = answered(202, "application/json", b"{}")
DONE = answered(200, "application/json", b'{"spent": 12.5}')
FAILED = answered(503, "application/json", b"{}")
LOST = ResponseLost("reset")
ANSWERS: list[Response | BaseException] = [STARTED, DONE, STARTED, FAILED, STARTED, LOST]
START: dict[str, Any] = {
    "step": "start", "request": "POST shop /jobs", "expect": {"status": 202},
    "counts": {"tokens": {"acme": "{{ spent }}"}}, "reported_by": "read", "at_most": {"tokens": 40},
}  # fmt: skip
READ: dict[str, Any] = {"step": "read", "request": "GET shop /job", "save": {"spent": "spent"}}


def row_of(
    place: Path, stored: float, traces: Sequence[tuple[int, float]] | None = None, **step: Any
) -> UsageRow:
    """Judge three jobs, of which one was reported as 12.5; so much is stored of all."""
    document = {
        "scenario": "jobs", "quantities": {"tokens": QUANTITY}, "flow": [{**START, **step}, READ],
        "profiles": {"load": {"users": 1, "iterations": 3}},
        "checks": {"usage": ["tokens"]},
    }  # fmt: skip
    folder = write_recorded_run(place, document, ANSWERS, iterations=3)
    rows = None if traces is None else [(number, "acme", amount) for number, amount in traces]
    (row,) = judge_stored(folder, {"acme": stored}, rows).values()
    return row


@pytest.mark.parametrize(
    ("stored", "verdict", "code"),
    [
        (12.499, Verdict.FAIL, Code.LOST_ROW),
        (12.5, Verdict.INCONCLUSIVE, Code.IN_DOUBT),
        (50, Verdict.INCONCLUSIVE, Code.IN_DOUBT),
        (92.5, Verdict.INCONCLUSIVE, Code.IN_DOUBT),
        (92.501, Verdict.FAIL, Code.EXTRA_ROW),
    ],
)
def test_a_service_that_charged_jobs_that_nobody_read_is_accused_beyond_their_bound_only(
    tmp_path: Path, stored: float, verdict: Verdict, code: Code
) -> None:
    row = row_of(tmp_path, stored)
    assert (row.client.confirmed, row.client.in_doubt) == (12.5, 80)
    assert (row.verdict, row.code) == (verdict, code)


def test_without_a_bound_an_excess_of_any_size_is_open(tmp_path: Path) -> None:
    row = row_of(tmp_path, 10_000, at_most={})
    assert row.client.is_unbounded
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.IN_DOUBT)


@pytest.mark.parametrize("bound", [{"tokens": 40}, {}])
def test_rows_under_the_id_of_the_start_settle_what_nobody_read(
    tmp_path: Path, bound: dict[str, int]
) -> None:
    row = row_of(tmp_path, 20, [(1, 12.5), (3, 7.5)], at_most=bound)
    assert (row.client.confirmed, row.client.in_doubt, row.client.is_unbounded) == (20, 0, False)
    assert (row.verdict, row.resolved and row.resolved.done) == (Verdict.PASS, 7.5)


def test_a_job_that_was_charged_beyond_its_bound_is_named(tmp_path: Path) -> None:
    row = row_of(tmp_path, 53.5, [(1, 12.5), (3, 41)])
    assert row.verdict is Verdict.FAIL
    assert row.resolved == ResolvedDoubt(40, 40)


def test_a_charge_that_was_read_and_is_lost_is_named_by_the_id_of_the_start(tmp_path: Path) -> None:
    row = row_of(tmp_path, 20, [(3, 10), (5, 10)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.LOST_ROW)
    assert row.records
    assert row.records.first_missing_at
    gap = RecordGap(1, (f"{make.RUN_ID}-load-1",), 0, ())
    assert replace(row.records, first_missing_at=None) == gap


def test_a_charge_of_the_id_of_the_read_is_none_of_the_start(tmp_path: Path) -> None:
    assert row_of(tmp_path, 12.5, [(2, 12.5)]).verdict is Verdict.FAIL
