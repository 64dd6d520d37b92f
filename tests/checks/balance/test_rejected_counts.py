"""Rows of the balance where requests that were rejected were counted all the same."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from checks.balance.sentences import row_sentences
from checks.result import Code, UsageRow
from checks.verdict import Verdict
from tests import evidence_factory as make
from tests.checks.balance.metered_rows import rows_of
from tests.scenarios.evidence.metered import spent

CONSTANT = {"tokens": {"acme": 1}}
SECOND = f"{make.RUN_ID}-load-2"


def row_of(
    place: Path, status: int, stored: float, traces: Sequence[Sequence[object]] | None,
    **step: Any,
) -> UsageRow:  # fmt: skip
    """Judge two requests of which the second has a status of its own."""
    responses = [spent("acme", 1.0), spent("acme", 1.0, status)]
    return rows_of(
        place, responses, {"acme": stored}, traces=traces, counts=CONSTANT, save={}, **step
    )["acme"]


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (409, {}),
        (422, {}),
        (500, {"when_rejected": "nothing"}),
        (302, {"when_rejected": "nothing"}),
    ],
)
def test_a_rejected_request_that_was_stored_is_told_as_that_with_its_id(
    tmp_path: Path, status: int, step: dict[str, Any]
) -> None:
    row = row_of(tmp_path, status, 2, [(1, "acme", 1), (2, "acme", 1)], **step)
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.COUNTED_THOUGH_REJECTED)
    assert row.records
    assert (row.records.rejected, row.records.rejected_ids) == (1, (SECOND,))
    assert "1 request was rejected and stored all the same." in row_sentences(row)


def test_a_rejected_request_that_is_in_doubt_is_settled_and_no_difference(tmp_path: Path) -> None:
    row = row_of(tmp_path, 500, 2, [(1, "acme", 1), (2, "acme", 1)])
    assert (row.verdict, row.code) == (Verdict.PASS, Code.IN_DOUBT)


def test_a_rejected_request_in_doubt_that_was_stored_twice_is_named(tmp_path: Path) -> None:
    row = row_of(tmp_path, 500, 3, [(1, "acme", 1), (2, "acme", 2)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.COUNTED_THOUGH_REJECTED)


def test_a_rejected_request_that_was_not_stored_is_no_difference(tmp_path: Path) -> None:
    row = row_of(tmp_path, 409, 1, [(1, "acme", 1)])
    assert (row.verdict, row.records) == (Verdict.PASS, None)


def test_rows_of_others_are_not_those_of_a_rejected_request(tmp_path: Path) -> None:
    row = row_of(tmp_path, 409, 2, [(1, "acme", 1), ("stranger", "acme", 1)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.EXTRA_ROW)


def test_a_rejected_request_that_was_stored_hides_no_lost_one(tmp_path: Path) -> None:
    """Every total agrees."""
    row = row_of(tmp_path, 409, 1, [(2, "acme", 1)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.LOST_ROW)
    assert row.records
    assert row.records.rejected_ids == (SECOND,)


def test_without_trace_ids_what_was_rejected_is_named_as_a_possible_cause_of_too_much(
    tmp_path: Path,
) -> None:
    row = row_of(tmp_path, 409, 2, None)
    assert (row.verdict, row.code, row.rejections) == (Verdict.FAIL, Code.EXTRA_ROW, 1)
    assert "1 request was rejected" in row_sentences(row)[-1]


@pytest.mark.parametrize("stored", [0, 1])
def test_what_was_rejected_is_no_cause_of_a_loss(tmp_path: Path, stored: float) -> None:
    row = row_of(tmp_path, 409, stored, None)
    assert row.rejections == 0
    assert not any("rejected" in each for each in row_sentences(row))
