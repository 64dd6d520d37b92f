from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.balance.diagnosis import Statement, diagnose
from checks.balance.rows import judge_row
from checks.result import ClientFigure, Code
from checks.verdict import Verdict
from witnesses.figure import Figure

RESTARTED = "its process was restarted; what it counted after its last scrape is lost"
NAMES = ("service", "prometheus", "database")


@dataclass(frozen=True)
class Row:
    """What was said, and what must be made of it; `told` are parts of the sentence."""

    name: str
    client: tuple[int, int]
    said: tuple[float | Figure, ...]
    verdict: Verdict
    code: Code | None
    told: tuple[str, ...]
    foreign: bool = False


def _figures(said: tuple[float | Figure, ...]) -> dict[str, Figure]:
    pairs = zip(NAMES, said, strict=False)
    return {name: each if isinstance(each, Figure) else Figure(each) for name, each in pairs}


PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE

ROWS = (
    Row("all agree", (5, 0), (5, 5, 5), PASS, None, ()),
    Row("nothing was done or counted", (0, 0), (0, 0, 0), PASS, None, ()),
    Row("the counters missed two", (5, 0), (3, 3, 5), FAIL, Code.LOST_COUNT,
        ("client and database agree on 5", "service and prometheus stand 2 below",
         "the counter missed what was done")),
    Row("the counters missed one and no database is asked", (5, 0), (4, 4), FAIL,
        Code.LOST_COUNT, ("client says 5", "1 below")),
    Row("the counters counted twice", (5, 0), (10, 10, 5), FAIL, Code.DOUBLE_COUNT,
        ("service and prometheus stand 5 above", "counted more than was done")),
    Row("a row is lost", (5, 0), (5, 5, 4), FAIL, Code.LOST_ROW,
        ("client, service and prometheus agree on 5", "database stands 1 below",
         "was not stored")),
    Row("a row too many", (5, 0), (5, 5, 6), FAIL, Code.EXTRA_ROW,
        ("database stands 1 above", "more was stored than was done")),
    Row("Prometheus missed what the service shows", (5, 0), (5, 4, 5), FAIL, Code.SCRAPE_GAP,
        ("client, service and database agree on 5", "prometheus stands 1 below")),
    Row("all witnesses saw more than the client", (5, 0), (7, 7, 7), FAIL,
        Code.FOREIGN_TRAFFIC, ("client says 5", "stand 2 above", "delivered twice")),
    Row("all witnesses saw less than the client", (5, 0), (3, 3, 3), FAIL, Code.NOT_DONE,
        ("client says 5", "2 below", "answered as done, and no witness counted it")),
    Row("counters short and rows too many", (5, 0), (4, 4, 6), FAIL, Code.MISMATCH, ()),
    Row("in doubt, and the witnesses agree within", (5, 2), (6, 6, 6), PASS, Code.IN_DOUBT,
        ("2 in doubt", "agree within 5 to 7")),
    Row("in doubt, at the lower edge", (5, 2), (5, 5, 5), PASS, Code.IN_DOUBT, ()),
    Row("in doubt, at the upper edge", (5, 2), (7, 7, 7), PASS, Code.IN_DOUBT, ()),
    Row("in doubt, and beyond what can be", (5, 2), (8, 8, 8), FAIL, Code.FOREIGN_TRAFFIC,
        ("5 to 7", "1 above")),
    Row("in doubt, and the counter below the database", (5, 2), (5, 5, 7), FAIL,
        Code.LOST_COUNT, ("leaves 5 to 7", "the witnesses differ", "service 5", "database 7")),
    Row("in doubt, and the counter above the database", (5, 2), (7, 7, 6), FAIL,
        Code.DOUBLE_COUNT, ("the witnesses differ",)),
    Row("a witness is down", (5, 0), (5, Figure(None, "Prometheus cannot be reached"), 5),
        INCONCLUSIVE, Code.WITNESS_DOWN, ("prometheus: no data, Prometheus cannot be reached.",)),
    Row("a witness is down, and the others contradict", (5, 0),
        (3, Figure(None, "Prometheus cannot be reached"), 5), FAIL, Code.LOST_COUNT, ("2 below",)),
    Row("a restart, and no database is asked", (5, 0), (5, Figure(3.0, RESTARTED)), INCONCLUSIVE,
        Code.COUNTER_RESET, ("prometheus: at least 3", "restarted")),
    Row("a lower bound that happens to be right is still no pass", (5, 0),
        (5, Figure(5.0, RESTARTED)), INCONCLUSIVE, Code.COUNTER_RESET, ("at least 5",)),
    Row("a restart, and the database decides", (5, 0),
        (Figure(2.0, RESTARTED), Figure(3.0, RESTARTED), 5), PASS, Code.COUNTER_RESET,
        ("prometheus: at least 3", "restarted", "The database decides: it agrees")),
    Row("a restart, and the database lacks a row", (5, 0),
        (Figure(2.0, RESTARTED), Figure(3.0, RESTARTED), 4), FAIL, Code.LOST_ROW, ("1 below",)),
    Row("a restart is no excuse for a counter that has too much", (5, 0),
        (5, Figure(6.0, RESTARTED), 5), FAIL, Code.DOUBLE_COUNT, ("has at least 6",)),
    Row("a restart, and the database is down", (5, 0),
        (5, Figure(3.0, RESTARTED), Figure(None, "down")), INCONCLUSIVE, Code.COUNTER_RESET, ()),
    Row("no restart, and the database does not decide", (5, 0),
        (5, Figure(3.0, "its target was not scraped after the last answer"), 5), INCONCLUSIVE,
        Code.SCRAPE_GAP, ()),
    Row("a lower bound above the interval", (5, 2),
        (Figure(9.0, RESTARTED), Figure(9.0, RESTARTED)), FAIL, Code.DOUBLE_COUNT,
        ("has at least 9",)),
    Row("a figure still moving", (5, 0), (5, Figure(4.0, "it was still moving when it was read")),
        INCONCLUSIVE, Code.LATE, ("still moving",)),
    Row("all was counted, but some of it late", (5, 0), (5, Figure(5.0, late=2.0), 5), FAIL,
        Code.LATE, ("All of 5 was counted", "2 of it in prometheus", "reads too little")),
    Row("counted late and too little all the same", (5, 0), (4, Figure(4.0, late=2.0), 5), FAIL,
        Code.LOST_COUNT, ("service and prometheus stand 1 below",)),
    Row("several processes behind one address", (5, 0),
        (Figure(None, "several processes answer for it"), Figure(None, "several processes")),
        INCONCLUSIVE, Code.SPLIT_COUNTER, ("service: no data, several processes",)),
    Row("a target not scraped", (5, 0),
        (5, Figure(4.0, "its target was not scraped after the last answer")),
        INCONCLUSIVE, Code.SCRAPE_GAP, ("not scraped",)),
    Row("no witness was asked", (5, 0), (), INCONCLUSIVE, Code.SCRAPE_GAP,
        ("No witness was asked.",)),
    Row("foreign traffic above ours", (5, 0), (9, 8), PASS, Code.FOREIGN_TRAFFIC,
        ("A lower bound", "4 not ours"), foreign=True),
    Row("foreign traffic cannot hide a loss", (5, 0), (4, 4), FAIL, Code.LOST_COUNT,
        ("at least 5", "1 below"), foreign=True),
    Row("foreign traffic, and a witness is down", (5, 0), (9, Figure(None, "down")),
        INCONCLUSIVE, Code.WITNESS_DOWN, ("prometheus: no data, down",), foreign=True),
    Row("foreign traffic, and lower bounds that are enough", (5, 0), (9, Figure(5.0, RESTARTED)),
        PASS, Code.FOREIGN_TRAFFIC, ("at least 5", "enough for ours"), foreign=True),
    Row("foreign traffic, and a lower bound that is not enough", (5, 0),
        (9, Figure(4.0, RESTARTED)), INCONCLUSIVE, Code.COUNTER_RESET, (), foreign=True),
    Row("large figures have their thousands marked", (12_000, 0), (11_000, 11_000, 12_000), FAIL,
        Code.LOST_COUNT, ("agree on 12,000", "1,000 below")),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_the_witnesses_say_gives_this_verdict_code_and_sentence(row: Row) -> None:
    statement = Statement(ClientFigure(*row.client), _figures(row.said), row.foreign)
    verdict, code, sentence = diagnose(statement)
    assert (verdict, code) == (row.verdict, row.code)
    for part in row.told:
        assert part in sentence


def test_a_right_database_is_not_blamed_for_a_counter_that_counted_too_much() -> None:
    figures = _figures((Figure(8.0, RESTARTED), Figure(8.0, RESTARTED), 5))
    verdict, code, _ = diagnose(Statement(ClientFigure(5, 0), figures, False))
    assert verdict is Verdict.FAIL
    assert code is not Code.EXTRA_ROW


def test_a_lower_bound_above_the_interval_is_told() -> None:
    figures = _figures((Figure(8.0, RESTARTED), Figure(9.0, RESTARTED)))
    assert "8" in diagnose(Statement(ClientFigure(5, 0), figures, False))[2]


_ANY = st.one_of(
    st.builds(Figure, st.integers(0, 12).map(float)),
    st.builds(Figure, st.integers(0, 12).map(float), st.just(RESTARTED)),
    st.just(Figure(None, "down")),
)


@given(
    st.integers(0, 8),
    st.integers(0, 3),
    st.dictionaries(st.sampled_from(NAMES), _ANY),
    st.booleans(),
)
def test_a_pass_means_that_every_witness_was_exact_within_the_interval_and_agreed(
    confirmed: int, in_doubt: int, figures: dict[str, Figure], foreign: bool
) -> None:
    """Or else lower bounds show enough where others count, or a restart leaves it to the rows."""
    row = judge_row("uses", {}, ClientFigure(confirmed, in_doubt), figures, foreign)
    if row.verdict is not Verdict.PASS:
        assert row.code is not None
        assert row.detail
        return
    values = [each.value for each in figures.values()]
    exact = [each.value for each in figures.values() if not each.remark]
    assert values
    assert all(value is not None for value in values)
    assert all(value is not None and value >= confirmed for value in exact)
    by_rows = "database" in figures and not figures["database"].remark
    if foreign and not by_rows:
        assert all(value is not None and value >= confirmed for value in values)
    if not foreign:
        assert len(set(exact)) == 1
        assert all(value is not None and value <= confirmed + in_doubt for value in values)
        if len(exact) < len(values):
            assert by_rows
            assert row.code is Code.COUNTER_RESET
            assert {each.remark for each in figures.values()} == {"", RESTARTED}


@given(st.integers(0, 8), st.integers(0, 3), st.dictionaries(st.sampled_from(NAMES), _ANY))
def test_a_fail_never_rests_on_absence(
    confirmed: int, in_doubt: int, figures: dict[str, Figure]
) -> None:
    row = judge_row("uses", {}, ClientFigure(confirmed, in_doubt), figures, False)
    known = {name: each for name, each in figures.items() if each.value is not None}
    if row.verdict is Verdict.FAIL:
        again = judge_row("uses", {}, ClientFigure(confirmed, in_doubt), known, False)
        assert again.verdict is Verdict.FAIL


def test_a_row_keeps_who_was_asked_and_why_a_figure_is_missing() -> None:
    figures = {"service": Figure(5.0), "prometheus": Figure(None, "down")}
    row = judge_row("uses", {"kind": "tea"}, ClientFigure(5, 0), figures, False)
    assert row.asked == ("client", "service", "prometheus")
    assert row.remarks == {"prometheus": "down"}
    assert (row.service, row.prometheus, row.database) == (5.0, None, None)
