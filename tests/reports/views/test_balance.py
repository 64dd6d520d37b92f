"""The balance as people read it: a row per quantity and labels, folded where there are many."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from checks.result import ClientFigure, Code, RecordGap, RelationRow, RelationSums, ResolvedDoubt
from checks.result_document import render_result
from checks.verdict import Verdict
from reports.html import render_html
from reports.markdown import render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.views.balance import NamedRequests, columns_of, fold_balance
from tests.reports.results import figures, good_result, usage_row
from witnesses.figure import Figure, Reason

_VOID = Figure.void(Reason.SCRAPE_FAILED, "status 500")
_AT_LEAST_40 = Figure.at_least(40.0, Reason.PROCESS_RESTARTED)
_AT_LEAST_104 = Figure.at_least(104.0, Reason.PROCESS_RESTARTED)
_AT_MOST_90 = Figure(None, 90.0, Reason.OTHER_TRAFFIC)
_BETWEEN = Figure(40.0, 104.0, Reason.OTHER_TRAFFIC)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"client": ClientFigure(98, 2)}, ("98–100", "100", "0")),
        ({"client": ClientFigure(98, 1)}, ("98–99", "100", "+1")),
        ({"client": ClientFigure(98, 0, is_partial=True)}, ("≥ 98", "100", "+2")),
        ({"figures": figures(93, 100, 100)}, ("100", "93", "−7")),
        ({"figures": figures(_VOID, 100, 100)}, ("100", "no data", "0")),
        ({"figures": figures(_AT_LEAST_40, 100, 100)}, ("100", "≥ 40", "0")),
        ({"figures": figures(_AT_LEAST_104, 100, 100)}, ("100", "≥ 104", "+4")),
        ({"figures": figures(_AT_MOST_90, 100, 100)}, ("100", "≤ 90", "−10")),
        ({"figures": figures(_BETWEEN, 100, 100)}, ("100", "40–104", "0")),
        ({"figures": figures(_VOID, _VOID, _VOID)}, ("100", "no data", "no data")),
    ],
)
def test_a_row_of_the_balance_shows(
    changes: dict[str, object], shown: tuple[str, str, str]
) -> None:
    (row,) = fold_balance(good_result(usage=(usage_row("cards", 100, **changes),))).shown
    assert (row.client, row.figures[0], row.difference) == shown


def test_a_witness_that_is_not_asked_has_a_dash_in_its_column() -> None:
    rows = (usage_row("cards", 7), usage_row("uses", 7, figures={"prometheus": Figure.exact(7.0)}))
    assert columns_of(good_result(usage=rows)) == ("service", "prometheus", "database")
    assert fold_balance(good_result(usage=rows)).shown[1].figures == ("–", "7", "–")


def test_two_stores_of_one_kind_share_a_column() -> None:
    stores = {"database:a": Figure.exact(7.0), "database:b": Figure.exact(6.0)}
    row = usage_row("cards", 7, figures=stores, verdict=Verdict.FAIL, code=Code.LOST_ROW)
    (shown,) = fold_balance(good_result(usage=(row,))).shown
    assert shown.figures == ("a 7 / b 6",)
    assert "database:b stands 1 below" in shown.notes[0]


def test_stores_of_one_database_that_differ_are_told_apart_by_their_own_names() -> None:
    stores = {"database:b/log": Figure.exact(7.0), "database:b/totals": Figure.exact(6.0)}
    row = usage_row("cards", 7, figures=stores, verdict=Verdict.FAIL, code=Code.LOST_ROW)
    (shown,) = fold_balance(good_result(usage=(row,))).shown
    assert shown.figures == ("log 7 / totals 6",)
    assert "The client and database:b/log agree on 7" in shown.notes[0]
    assert "database:b/totals stands 1 below" in shown.notes[0]


def test_stores_that_agree_need_no_names() -> None:
    stores = {"database:b/log": Figure.exact(7.0), "database:b/totals": Figure.exact(7.0)}
    (shown,) = fold_balance(good_result(usage=(usage_row("cards", 7, figures=stores),))).shown
    assert shown.figures == ("7 / 7",)


def test_a_row_that_fails_has_a_sentence_even_without_a_code() -> None:
    silent = usage_row("cards", 100, figures=figures(100, 100, 97), verdict=Verdict.FAIL)
    (row,) = fold_balance(good_result(usage=(silent,))).shown
    assert "database:shop stands 3 below" in row.notes[0]


def test_a_row_that_fails_gives_the_reason_of_each_inexact_figure() -> None:
    failing = usage_row("cards", 100, figures=figures(100, _VOID, 97), verdict=Verdict.FAIL)
    (row,) = fold_balance(good_result(usage=(failing,))).shown
    assert row.notes[1] == "prometheus: its metrics could not be scraped (status 500)."


def test_twelve_rows_are_shown_and_thirteen_folded_into_sums() -> None:
    rows = [usage_row("cards", 7, labels={"card": f"{number}"}) for number in range(13)]
    assert fold_balance(good_result(usage=tuple(rows[:12]))).folded == []
    balance = fold_balance(good_result(usage=tuple(rows)))
    assert [(row.name, row.client, row.figures[-1]) for row in balance.shown] == [
        ("cards (13 rows together)", "91", "91")
    ]
    assert len(balance.folded) == 13


def test_no_row_with_something_to_say_is_folded() -> None:
    rows = [usage_row("cards", 7, labels={"card": f"{number}"}) for number in range(20)]
    rows[3] = replace(rows[3], resolved=ResolvedDoubt(1, 0))
    rows[9] = replace(rows[9], verdict=Verdict.FAIL)
    balance = fold_balance(good_result(usage=tuple(rows)))
    assert [row.labels for row in balance.shown] == ["card=9", "card=3", "18 rows together"]


def test_a_row_is_named_by_the_values_of_its_labels() -> None:
    labels = {"card": "tea", "size": "large"}
    rows = (usage_row("cards", 7, labels=labels), usage_row("visits", 7))
    cards, visits = fold_balance(good_result(usage=rows)).shown
    assert (cards.name, cards.labels) == ("cards tea large", "card=tea, size=large")
    assert (visits.name, visits.labels) == ("visits", "")


def test_the_rows_that_fail_come_first() -> None:
    verdicts = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)
    rows = tuple(usage_row(each, 7, verdict=each) for each in verdicts)
    shown = [row.quantity for row in fold_balance(good_result(usage=rows)).shown]
    assert shown == ["fail", "inconclusive", "pass"]


def test_only_a_difference_makes_a_row_differ() -> None:
    unseen = {"prometheus": _VOID}
    rows = [usage_row("cards", 100, figures=each)
            for each in (figures(100, 99, 100), figures(100, 100, 100), unseen)]  # fmt: skip
    assert [fold_balance(good_result(usage=(row,))).shown[0].differs for row in rows] == [
        True,
        False,
        False,
    ]


def test_a_row_that_passes_and_agrees_has_no_notes() -> None:
    (row,) = fold_balance(good_result(usage=(usage_row("cards", 7),))).shown
    assert (row.notes, row.requests, row.code) == ((), (), "")


def test_a_dated_difference_tells_the_scrape_that_showed_it_first() -> None:
    at = datetime(2026, 11, 22, 17, 50, 9, tzinfo=UTC)
    dated = usage_row("cards", 7, verdict=Verdict.FAIL, code=Code.LOST_COUNT, since=at)
    (row,) = fold_balance(good_result(usage=(dated,))).shown
    assert row.code == "LOST_COUNT"
    assert row.notes[-1] == "First seen in the scrape of 2026-11-22 17:50:09 UTC."


def test_requests_with_too_few_or_too_many_rows_are_named_apart() -> None:
    gap = RecordGap(missing=2, missing_ids=("a", "b"))
    both = replace(gap, surplus=1, surplus_ids=("c",))
    few = NamedRequests("Too few rows: the first by trace id", ("a", "b"))
    many = NamedRequests("Too many rows: the first by trace id", ("c",))
    for records, named in ((gap, (few,)), (both, (few, many))):
        (row,) = fold_balance(good_result(usage=(usage_row("cards", 7, records=records),))).shown
        assert row.requests == named


def test_folded_rows_are_summed_by_quantity_and_a_single_one_stays_itself() -> None:
    cards = [usage_row("cards", 7, labels={"card": f"{number}"}) for number in range(3)]
    rows = (*cards, usage_row("visits", 5, labels={"page": "home"}))
    balance = fold_balance(good_result(usage=rows), most=3)
    assert [(row.name, row.client) for row in balance.shown] == [
        ("cards (3 rows together)", "21"),
        ("visits home", "5"),
    ]
    assert [row.name for row in balance.folded] == ["cards 0", "cards 1", "cards 2", "visits home"]


def test_what_several_rows_that_pass_have_in_common_is_said_once() -> None:
    doubtful = [
        usage_row("cards", 98, labels={"card": f"{number}"}, client=ClientFigure(95, 5),
                  code=Code.IN_DOUBT)
        for number in range(14)
    ]  # fmt: skip
    lost = usage_row("lost", 98, client=ClientFigure(95, 5), verdict=Verdict.INCONCLUSIVE,
                     code=Code.IN_DOUBT)  # fmt: skip
    balance = fold_balance(good_result(usage=(*doubtful, lost)))
    (remark,) = balance.remarks
    assert remark.startswith("Of 14 rows that pass, each: 5 in doubt: sent, but no response")
    assert [(row.name, bool(row.notes)) for row in balance.shown] == [
        ("lost", True), ("cards (14 rows together)", False),
    ]  # fmt: skip


def test_what_one_row_alone_has_to_say_stays_with_it() -> None:
    rows = (usage_row("cards", 98, client=ClientFigure(95, 5)), usage_row("visits", 7))
    balance = fold_balance(good_result(usage=rows))
    assert balance.remarks == ()
    assert balance.shown[0].notes


def relation(verdict: Verdict, *sums: Figure) -> RelationRow:
    by_witness = {"database:shop": RelationSums(sums, verdict)} if sums else {}
    return RelationRow("every use is counted", ("uses", "counts"), by_witness, verdict)


TWELVE = Figure.exact(12.0)
RELATIONS = [
    (relation(Verdict.PASS, TWELVE, TWELVE), "12 = 12", ()),
    (relation(Verdict.FAIL, TWELVE, Figure.exact(11.0)), "12 ≠ 11",
     ("database:shop: the sums over all labels differ.",)),
    (relation(Verdict.INCONCLUSIVE, TWELVE, _AT_LEAST_40), "12 ? ≥ 40",
     ("database:shop: not every sum is exact.",)),
    (relation(Verdict.INCONCLUSIVE), "–", ("No witness keeps all of them.",)),
]  # fmt: skip


@pytest.mark.parametrize(("row", "cell", "notes"), RELATIONS)
def test_a_relation_is_a_row_of_the_balance_by_witness(
    row: RelationRow, cell: str, notes: tuple[str, ...]
) -> None:
    result = good_result(usage=(usage_row("uses", 12),), relations=(row,))
    (shown,) = fold_balance(result).relations
    assert shown.labels == "uses = counts"
    assert (shown.name, shown.client) == ("every use is counted (uses = counts)", "–")
    assert shown.figures == ("–", "–", cell)
    assert (shown.verdict, shown.notes) == (row.verdict, notes)


def test_a_relation_is_not_folded_among_many_rows() -> None:
    rows = tuple(usage_row("uses", 1, labels={"kind": str(number)}) for number in range(50))
    relations = (relation(Verdict.PASS, TWELVE, TWELVE),)
    balance = fold_balance(good_result(usage=rows, relations=relations))
    assert [row.short_labels for row in balance.rows] == ["(50 rows together)", "(uses = counts)"]


@pytest.mark.parametrize("row", [row for row, *_ in RELATIONS])
def test_the_terminal_the_page_and_the_summary_show_a_relation(row: RelationRow) -> None:
    result = good_result(relations=(row,))
    terminal = TerminalFormat(100, "utf-8", colours=False)
    renderings = [
        render_terminal(result, None, terminal), render_html(result), render_markdown(result),
    ]  # fmt: skip
    for text in renderings:
        assert "every use is counted" in text
        assert "uses = counts" in text


def test_the_result_has_a_relation_that_passes() -> None:
    row = relation(Verdict.PASS, TWELVE, TWELVE)
    (written,) = json.loads(render_result(good_result(relations=(row,))))["relations"]
    assert (written["name"], written["verdict"]) == ("every use is counted", "pass")
    sums = written["sums"]["database:shop"]["figures"]
    assert [each["low"] for each in sums] == [12.0, 12.0]
