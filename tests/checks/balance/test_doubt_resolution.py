import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from checks.balance.sentences import row_sentences
from checks.balance.usage import judge_usage, records_fall_short
from checks.case import read_case
from checks.result import Code, RecordGap, ResolvedDoubt, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from scenarios.evidence.trace_ids import TraceIds
from tests.evidence_factory import (
    GOOD,
    RUN_ID,
    SCENARIO,
    TIMED_OUT,
    Load,
    write_agreeing_witnesses,
    write_rows,
    write_run,
)
from witnesses.figure import Reason

TRACED = SCENARIO.replace(
    "    database: {main:",
    '    traces: {main: "SELECT trace_id, kind, count(*) FROM uses GROUP BY trace_id, kind"}\n'
    "    database: {main:",
    1,
)
IN_DOUBT = (GOOD, GOOD, GOOD, TIMED_OUT)
_LAST_USE = f"{RUN_ID}-load-8"

Row = tuple[str, str, int]


def _uses(
    *numbers: int, kinds: Iterable[tuple[str, int]] = (("tea", 1), ("coffee", 2))
) -> list[Row]:
    """Return the rows that iterations of these numbers write, the second step each."""
    kinds = tuple(kinds)
    return [(f"{RUN_ID}-load-{2 * n}", kind, amount) for n in numbers for kind, amount in kinds]


def _run(
    place: Path,
    rows: list[Row] | None,
    *,
    error: str = "",
    done: int = 4,
    stored: dict[str, int] | None = None,
) -> RunFolder:
    """Write a run of three good iterations and one in doubt, and what the rows are known by."""
    folder = write_run(place, Load(IN_DOUBT), scenario=TRACED)
    write_agreeing_witnesses(folder, done)
    if stored is not None:
        write_rows(folder, "after", {"uses": {"rows": [list(row) for row in stored.items()]}})
    if rows is not None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        folder.write_witness_file("database/traces-uses.jsonl", lines.encode())
        folder.write_witness_file("database/traces.json", json.dumps({"uses": error}).encode())
    return folder


def _uses_rows(folder: RunFolder) -> dict[str, UsageRow]:
    rows = judge_usage(read_case(folder)).usage
    return {row.labels["kind"]: row for row in rows if row.quantity == "uses"}


def test_a_request_in_doubt_whose_rows_are_there_was_done(tmp_path: Path) -> None:
    tea = _uses_rows(_run(tmp_path, _uses(1, 2, 3, 4)))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.resolved) == (4, 0, ResolvedDoubt(1, 0))
    assert (tea.verdict, tea.code) == (Verdict.PASS, Code.IN_DOUBT)
    assert row_sentences(tea) == ["Requests in doubt counted 1, as the database's trace ids show."]


def test_a_request_in_doubt_that_the_rows_do_not_know_was_not_done(tmp_path: Path) -> None:
    coffee = _uses_rows(_run(tmp_path, _uses(1, 2, 3), done=3))["coffee"]
    assert (coffee.client.confirmed, coffee.client.in_doubt, coffee.resolved) == (
        6,
        0,
        ResolvedDoubt(0, 2),
    )
    assert coffee.verdict is Verdict.PASS


def test_what_was_half_done_is_confirmed_by_half(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 2, 3), (_LAST_USE, "coffee", 1)],
                  done=3, stored={"tea": 3, "coffee": 7})  # fmt: skip
    rows = _uses_rows(folder)
    assert (rows["coffee"].client.confirmed, rows["coffee"].resolved) == (7, ResolvedDoubt(1, 1))
    assert (rows["tea"].client.confirmed, rows["tea"].resolved) == (3, ResolvedDoubt(0, 1))


def test_more_rows_than_were_promised_confirm_no_more_than_that(tmp_path: Path) -> None:
    uses = [*_uses(1, 2, 3), (_LAST_USE, "tea", 9)]
    rows = _uses_rows(_run(tmp_path, uses, stored={"tea": 12, "coffee": 6}))
    assert rows["tea"].client.confirmed == 4


def test_a_counter_that_missed_what_the_rows_show_as_done_fails(tmp_path: Path) -> None:
    folder = _run(tmp_path, _uses(1, 2, 3, 4), done=3)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 4], ["coffee", 8]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.verdict, tea.code) == (Verdict.FAIL, Code.LOST_COUNT)
    assert "in doubt counted 1, as" in " ".join(row_sentences(tea))


def test_rows_that_could_not_be_read_leave_the_doubt(tmp_path: Path) -> None:
    tea = _uses_rows(_run(tmp_path, [], error="the database is down"))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.resolved) == (3, 1, None)


def test_rows_that_were_not_collected_leave_the_doubt(tmp_path: Path) -> None:
    assert _uses_rows(_run(tmp_path, None))["tea"].client.in_doubt == 1


def test_rows_of_the_wrong_shape_leave_the_doubt_and_do_not_crash(tmp_path: Path) -> None:
    folder = _run(tmp_path, [(_LAST_USE, "tea", 1)])
    folder.write_witness_file("database/traces-uses.jsonl", b'["a"]\n{"b": 1}\nrubbish\n')
    assert _uses_rows(folder)["tea"].client.in_doubt == 1


def test_rows_with_a_label_too_few_leave_the_doubt(tmp_path: Path) -> None:
    """Taken for labels that nobody moved, they would settle everything as not done."""
    folder = _run(tmp_path, [])
    folder.write_witness_file("database/traces-uses.jsonl", f'["{_LAST_USE}", 3]\n'.encode())
    case = read_case(folder)
    assert case.ledger.in_doubt["uses", ("tea",)] == 1
    assert "is not a trace id, 1 label values and a count" in case.resolution.errors["uses"]


@pytest.mark.parametrize("count", ["-1", "1.5", "true", "null", '"many"', "NaN", "1e400"])
def test_a_count_that_is_none_leaves_the_doubt(tmp_path: Path, count: str) -> None:
    folder = _run(tmp_path, [])
    folder.write_witness_file(
        "database/traces-uses.jsonl", f'["{_LAST_USE}", "tea", {count}]\n'.encode()
    )
    assert read_case(folder).ledger.in_doubt["uses", ("tea",)] == 1


def test_a_use_made_up_for_under_another_trace_leaves_as_much_in_doubt(tmp_path: Path) -> None:
    """It may be the use of the request in doubt: that it was not done would be a false alarm."""
    made_up_for = [*_uses(1, 2, 3), ("6a1f", "tea", 1), ("6a1f", "coffee", 1)]
    folder = _run(tmp_path, made_up_for, stored={"tea": 4, "coffee": 7})
    rows = _uses_rows(folder)
    assert (rows["tea"].client.confirmed, rows["tea"].client.in_doubt) == (3, 1)
    assert (rows["coffee"].client.in_doubt, rows["coffee"].resolved) == (1, ResolvedDoubt(0, 1))
    assert rows["tea"].verdict is Verdict.PASS


def test_a_row_from_before_the_run_confirms_nothing_and_leaves_no_doubt(tmp_path: Path) -> None:
    others = [("another-run-load-8", "tea", 1), ("", "tea", 1), *_uses(1, 2, 3)]
    folder = _run(tmp_path, others, done=3, stored={"tea": 5, "coffee": 6})
    write_rows(folder, "before", {"uses": {"rows": [["tea", 2]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.resolved) == (3, 0, ResolvedDoubt(0, 1))


def test_rows_that_came_between_the_two_queries_leave_the_doubt(tmp_path: Path) -> None:
    """Done by one query and not done by the other would be a false alarm."""
    tea = _uses_rows(_run(tmp_path, _uses(1, 2, 3, 4), done=3))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.resolved) == (3, 1, None)
    assert tea.verdict is Verdict.PASS


def test_rows_that_only_the_later_query_shows_leave_the_doubt(tmp_path: Path) -> None:
    tea = _uses_rows(_run(tmp_path, _uses(1, 2, 3), done=4))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.resolved) == (3, 1, None)


def test_a_use_made_up_for_later_is_not_missed_under_its_request(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 3, 4), ("6a1f", "tea", 1), ("6a1f", "coffee", 2)], done=3,
                  stored={"tea": 5, "coffee": 8})  # fmt: skip
    tea = _uses_rows(folder)["tea"]
    assert tea.verdict is Verdict.FAIL
    assert tea.records == RecordGap(made_up_for=1)


@pytest.mark.parametrize("kept", [f"{RUN_ID}-lo", f"{RUN_ID}-load-", f"{RUN_ID}-load-2#1"])
def test_ids_that_a_column_cuts_off_or_changes_accuse_nobody(tmp_path: Path, kept: str) -> None:
    """The totals agree, and no row leads to a request."""
    rows = [(kept, kind, amount) for _, kind, amount in _uses(1, 2, 3, 4)]
    tea = _uses_rows(_run(tmp_path, rows))["tea"]
    assert tea.verdict is Verdict.PASS


def test_the_requests_whose_rows_are_lost_are_named(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 3, 4), *_uses(2, kinds=[("coffee", 2)])])
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    rows = _uses_rows(folder)
    sent_at = read_case(folder).sent_at("load", 4)
    assert (rows["tea"].code, rows["tea"].records) == (
        Code.LOST_ROW,
        RecordGap(missing=1, missing_ids=(f"{RUN_ID}-load-4",), first_missing_at=sent_at),
    )
    assert f"1 request has too few rows: it was sent at {sent_at:%H:%M:%S} UTC." in " ".join(
        row_sentences(rows["tea"])
    )
    assert rows["coffee"].records is None


def test_the_requests_with_a_row_too_many_are_named(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 2, 3, 4), (f"{RUN_ID}-load-2", "tea", 1)])
    write_rows(folder, "after", {"uses": {"rows": [["tea", 5], ["coffee", 8]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.code, tea.records) == (
        Code.EXTRA_ROW,
        RecordGap(surplus=1, surplus_ids=(f"{RUN_ID}-load-2",)),
    )


@pytest.mark.parametrize(("before", "after"), [(10, 8), (10, 10), (10, 13)])
def test_old_rows_that_are_deleted_meanwhile_are_no_lost_rows(
    tmp_path: Path, before: int, after: int
) -> None:
    """Each of the four requests has its row."""
    old = [("earlier", "tea", after - 4)]
    folder = _run(tmp_path, [*_uses(1, 2, 3, 4), *old])
    write_rows(folder, "before", {"uses": {"rows": [["tea", before]]}})
    write_rows(folder, "after", {"uses": {"rows": [["tea", after], ["coffee", 8]]}})
    rows = _uses_rows(folder)
    assert (rows["tea"].verdict, rows["tea"].code) == (Verdict.INCONCLUSIVE, Code.WITNESS_DOWN)
    assert [each.reason for each in rows["tea"].figures.values() if not each.is_exact] == [
        Reason.ROWS_REMOVED
    ]
    assert rows["coffee"].verdict is Verdict.PASS
    assert records_fall_short(rows.values())


@pytest.mark.parametrize(("before", "after"), [(0, 2), (1, 2)])
def test_a_count_that_cannot_hold_the_row_of_each_request_lost_one_whatever_was_deleted(
    tmp_path: Path, before: int, after: int
) -> None:
    """As a sum that was not increased, beside rows that are whole."""
    folder = _run(tmp_path, _uses(1, 2, 3), done=3)
    write_rows(folder, "before", {"uses": {"rows": [["tea", before]]}})
    write_rows(folder, "after", {"uses": {"rows": [["tea", after], ["coffee", 6]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.verdict, tea.code) == (Verdict.FAIL, Code.LOST_ROW)


def test_a_row_that_is_lost_while_old_ones_are_deleted_is_lost(tmp_path: Path) -> None:
    folder = _run(tmp_path, _uses(1, 2, 4))
    write_rows(folder, "before", {"uses": {"rows": [["tea", 10]]}})
    write_rows(folder, "after", {"uses": {"rows": [["tea", 11], ["coffee", 6]]}})
    assert _uses_rows(folder)["tea"].code is Code.LOST_ROW


def test_without_any_doubt_the_ledger_stays_as_it_is(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load(), scenario=TRACED)
    write_agreeing_witnesses(folder)
    assert read_case(folder).resolution.resolved == {}
    assert {row.code for row in _uses_rows(folder).values()} == {None}


def test_a_loss_and_a_duplicate_that_cancel_in_every_total_fail_by_request(tmp_path: Path) -> None:
    folder = _run(tmp_path, _uses(2, 2, 3, 4))
    tea = _uses_rows(folder)["tea"]
    assert (tea.verdict, tea.code) == (Verdict.FAIL, Code.LOST_ROW)
    assert tea.records is not None
    assert (tea.records.missing_ids, tea.records.surplus_ids) == (
        (f"{RUN_ID}-load-2",),
        (f"{RUN_ID}-load-4",),
    )
    assert row_sentences(tea)[0] == "The totals agree, but not request by request."


def test_records_that_are_right_request_by_request_pass(tmp_path: Path) -> None:
    rows = _uses_rows(_run(tmp_path, _uses(4, 3, 2, 1)))
    assert {row.verdict for row in rows.values()} == {Verdict.PASS}
    assert {row.records for row in rows.values()} == {None}


def _as_traceparent(folder: RunFolder) -> None:
    """Turn a run into one whose requests carried `traceparent`."""
    run = folder.read_run()
    folder.write_run(replace(run, trace_header="traceparent"))


def test_ids_of_a_traceparent_are_resolved_in_every_form(tmp_path: Path) -> None:
    ids = TraceIds(RUN_ID, "traceparent", ("load",))
    written = [
        (ids.shown(trace.split("-")[-2], int(trace.split("-")[-1])), kind, amount)
        for trace, kind, amount in _uses(1, 2, 3, 4)
    ]
    assert all(len(trace) == 32 for trace, _, _ in written)
    folder = _run(tmp_path, [(trace.upper(), kind, amount) for trace, kind, amount in written])
    _as_traceparent(folder)
    tea = _uses_rows(folder)["tea"]
    assert (tea.client.confirmed, tea.resolved) == (4, ResolvedDoubt(1, 0))
    assert tea.verdict is Verdict.PASS


def test_the_requests_whose_rows_are_lost_are_named_by_their_traceparent(tmp_path: Path) -> None:
    ids = TraceIds(RUN_ID, "traceparent", ("load",))
    rows = [
        (ids.shown("load", int(trace.split("-")[-1])), kind, amount)
        for trace, kind, amount in _uses(1, 3, 4)
    ]
    folder = _run(tmp_path, rows, stored={"tea": 3, "coffee": 6})
    _as_traceparent(folder)
    gap = _uses_rows(folder)["tea"].records
    assert gap is not None
    assert gap.missing_ids == (ids.shown("load", 4),)
