"""Rows of the balance of a step in which the client hangs up, with and without rows by trace id."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from checks.balance.sentences import row_sentences
from checks.result import Code, RecordGap, ResolvedDoubt, UsageRow
from checks.verdict import Verdict
from scenarios.http.messages import Response
from scenarios.http.streams import Event, Stream, StreamEnd
from tests import evidence_factory as make
from tests.checks.balance.metered_rows import rows_of
from tests.scenarios.shop_scenario import answered

LATE_BY_TWO = {"after_events": 3, "at_most": {"tokens": "{{ events | length + 2 }}"}}
EXACT = {"after_events": 3}
TWO_HANG_UPS_TOOK = 6


def hung_up() -> Response:
    stream = Stream((Event("a"),) * 3, StreamEnd.HUNG_UP, 0.25, 0.5)
    return replace(answered(200, "text/event-stream", b""), stream=stream)


def row_of(
    place: Path, stored: float, hang_up: dict[str, Any],
    traces: Sequence[Sequence[object]] | None = None,
) -> UsageRow:  # fmt: skip
    """Judge two hang-ups after three events each, of which so much is stored."""
    counts = {"tokens": {"acme": "{{ events | length }}"}}
    return rows_of(
        place, [hung_up(), hung_up()], {"acme": stored}, traces=traces, stream="sse", save={},
        hang_up=hang_up, counts=counts,
    )["acme"]  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "verdict", "code"),
    [
        (5, Verdict.FAIL, Code.LOST_ROW),
        (6, Verdict.PASS, Code.IN_DOUBT),
        (10, Verdict.PASS, Code.IN_DOUBT),
        (10.001, Verdict.FAIL, Code.EXTRA_ROW),
    ],
)
def test_between_what_was_taken_and_what_is_left_open_is_right(
    tmp_path: Path, stored: float, verdict: Verdict, code: Code
) -> None:
    row = row_of(tmp_path, stored, LATE_BY_TWO)
    assert (row.client.confirmed, row.client.in_doubt) == (TWO_HANG_UPS_TOOK, 4)
    assert (row.verdict, row.code) == (verdict, code)


@pytest.mark.parametrize(
    ("stored", "verdict"), [(6, Verdict.PASS), (7, Verdict.FAIL), (5, Verdict.FAIL)]
)
def test_without_anything_left_open_the_count_is_exact(
    tmp_path: Path, stored: float, verdict: Verdict
) -> None:
    assert row_of(tmp_path, stored, EXACT).verdict is verdict


def test_rows_by_trace_id_settle_how_much_each_hang_up_counted(tmp_path: Path) -> None:
    traces = [(1, "acme", 3), (1, "acme", 1), (2, "acme", 5)]
    row = row_of(tmp_path, 9, LATE_BY_TWO, traces)
    assert (row.client.confirmed, row.client.in_doubt) == (9, 0)
    assert (row.verdict, row.resolved) == (Verdict.PASS, ResolvedDoubt(3, 1))


def test_a_loss_that_what_is_left_open_would_hide_is_found_by_trace_id(tmp_path: Path) -> None:
    """One hang-up counted nothing, the other as much as both took."""
    row = row_of(tmp_path, 6, LATE_BY_TWO, [(2, "acme", 6)])
    assert row.verdict is Verdict.FAIL
    assert row.records
    assert row.records.missing_ids == (f"{make.RUN_ID}-load-1",)


@pytest.mark.parametrize("hang_up", [LATE_BY_TWO, EXACT])
def test_a_hang_up_that_was_counted_whole_is_named_as_such(
    tmp_path: Path, hang_up: dict[str, Any]
) -> None:
    row = row_of(tmp_path, 43, hang_up, [(1, "acme", 3), (2, "acme", 40)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.AFTER_HANG_UP)
    assert row.records == RecordGap(0, (), 1, (f"{make.RUN_ID}-load-2",), 1)


def test_too_much_of_others_came_after_no_hang_up(tmp_path: Path) -> None:
    row = row_of(tmp_path, 16, EXACT, [(1, "acme", 3), (2, "acme", 3), ("stranger", "acme", 10)])
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.EXTRA_ROW)


def test_without_trace_ids_a_hang_up_is_named_as_a_possible_cause_of_too_much(
    tmp_path: Path,
) -> None:
    row = row_of(tmp_path, 43, EXACT)
    assert (row.verdict, row.code, row.hang_ups) == (Verdict.FAIL, Code.EXTRA_ROW, 2)
    assert "The client hung up 2 times" in row_sentences(row)[-1]


@pytest.mark.parametrize("stored", [5, 6])
def test_a_hang_up_is_no_cause_of_a_loss(tmp_path: Path, stored: float) -> None:
    row = row_of(tmp_path, stored, EXACT)
    assert row.hang_ups == 0
    assert not any("hung up" in each for each in row_sentences(row))
