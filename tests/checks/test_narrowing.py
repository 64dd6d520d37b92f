import json
from collections.abc import Iterable
from pathlib import Path

from checks.case import read_case
from checks.result import Code, UsageRow
from checks.usage import judge_usage
from checks.verdict import Verdict
from scenarios.evidence import RunFolder
from tests.checks.evidence_factory import (
    GOOD,
    RUN_ID,
    SCENARIO,
    TIMED_OUT,
    Load,
    write_agreeing_witnesses,
    write_rows,
    write_run,
)

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


def _run(place: Path, rows: list[Row] | None, *, trouble: str = "", done: int = 4) -> RunFolder:
    """Write a run of three good iterations and one in doubt, and what the rows are known by."""
    folder = write_run(place, Load(IN_DOUBT), scenario=TRACED)
    write_agreeing_witnesses(folder, done)
    if rows is not None:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        folder.write_answer("database/traces-uses.jsonl", lines.encode())
        folder.write_answer("database/traces.json", json.dumps({"uses": trouble}).encode())
    return folder


def _uses_rows(folder: RunFolder) -> dict[str, UsageRow]:
    rows = judge_usage(read_case(folder)).usage
    return {row.labels["kind"]: row for row in rows if row.quantity == "uses"}


def test_a_request_in_doubt_whose_rows_are_there_was_done(tmp_path: Path) -> None:
    tea = _uses_rows(_run(tmp_path, _uses(1, 2, 3, 4)))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.settled) == (4, 0, (1, 0))
    assert (tea.verdict, tea.code) == (Verdict.PASS, Code.IN_DOUBT)
    assert tea.detail == "1 in doubt, settled by the database's trace ids: 1 done, 0 not."


def test_a_request_in_doubt_that_the_rows_do_not_know_was_not_done(tmp_path: Path) -> None:
    coffee = _uses_rows(_run(tmp_path, _uses(1, 2, 3), done=3))["coffee"]
    assert (coffee.client.confirmed, coffee.client.in_doubt, coffee.settled) == (6, 0, (0, 2))
    assert coffee.verdict is Verdict.PASS


def test_what_was_half_done_is_confirmed_by_half(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 2, 3), (_LAST_USE, "coffee", 1)], done=3)
    rows = _uses_rows(folder)
    assert (rows["coffee"].client.confirmed, rows["coffee"].settled) == (7, (1, 1))
    assert (rows["tea"].client.confirmed, rows["tea"].settled) == (3, (0, 1))


def test_more_rows_than_were_promised_confirm_no_more_than_that(tmp_path: Path) -> None:
    rows = _uses_rows(_run(tmp_path, [*_uses(1, 2, 3), (_LAST_USE, "tea", 9)]))
    assert rows["tea"].client.confirmed == 4


def test_a_counter_that_missed_what_the_rows_show_as_done_fails(tmp_path: Path) -> None:
    folder = _run(tmp_path, _uses(1, 2, 3, 4), done=3)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 4], ["coffee", 8]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.verdict, tea.code) == (Verdict.FAIL, Code.LOST_COUNT)
    assert "1 done" in tea.detail


def test_rows_that_could_not_be_read_leave_the_doubt(tmp_path: Path) -> None:
    tea = _uses_rows(_run(tmp_path, [], trouble="the database is down"))["tea"]
    assert (tea.client.confirmed, tea.client.in_doubt, tea.settled) == (3, 1, None)


def test_rows_that_nobody_took_leave_the_doubt(tmp_path: Path) -> None:
    assert _uses_rows(_run(tmp_path, None))["tea"].client.in_doubt == 1


def test_rows_of_the_wrong_shape_leave_the_doubt_and_do_not_crash(tmp_path: Path) -> None:
    folder = _run(tmp_path, [(_LAST_USE, "tea", 1)])
    folder.write_answer("database/traces-uses.jsonl", b'["a"]\n{"b": 1}\nrubbish\n')
    assert _uses_rows(folder)["tea"].client.in_doubt == 1


def test_a_row_of_another_run_confirms_nothing(tmp_path: Path) -> None:
    others = [("another-run-load-8", "tea", 1), *_uses(1, 2, 3)]
    assert _uses_rows(_run(tmp_path, others, done=3))["tea"].client.confirmed == 3


def test_the_requests_whose_rows_are_lost_are_named(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 3, 4), *_uses(2, kinds=[("coffee", 2)])])
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    rows = _uses_rows(folder)
    assert (rows["tea"].code, rows["tea"].missing) == (Code.LOST_ROW, (f"{RUN_ID}-load-4",))
    assert "1 request has too few rows." in rows["tea"].detail
    assert rows["coffee"].missing == ()


def test_the_requests_with_a_row_too_many_are_named(tmp_path: Path) -> None:
    folder = _run(tmp_path, [*_uses(1, 2, 3, 4), (f"{RUN_ID}-load-2", "tea", 1)])
    write_rows(folder, "after", {"uses": {"rows": [["tea", 5], ["coffee", 8]]}})
    tea = _uses_rows(folder)["tea"]
    assert (tea.code, tea.surplus) == (Code.EXTRA_ROW, (f"{RUN_ID}-load-2",))


def test_without_any_doubt_the_ledger_stays_as_it_is(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load(), scenario=TRACED)
    write_agreeing_witnesses(folder)
    assert read_case(folder).narrowed.settled == {}
    assert {row.code for row in _uses_rows(folder).values()} == {None}
