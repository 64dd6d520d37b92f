from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.balance.diagnosis import CODE_OF_REASON, Statement
from checks.balance.rows import judge_row
from checks.balance.sentences import row_sentences
from checks.result import ClientFigure, Code, UsageRow
from checks.verdict import Verdict
from witnesses.figure import Direction, Figure, Reason
from witnesses.model import RecordKind

NAMES = ("service", "prometheus", "database:shop")
KEEPS = dict(zip(NAMES, (RecordKind.COUNTER, RecordKind.COUNTER, RecordKind.RECORDS), strict=True))


def _restarted(value: float) -> Figure:
    return Figure.at_least(value, Reason.PROCESS_RESTARTED)


DOWN = Figure.void(Reason.PROMETHEUS_DOWN, "Prometheus cannot be reached")


@dataclass(frozen=True)
class Case:
    """What is reported, and what must come of it; `words` are parts of the sentence."""

    name: str
    client: tuple[int, int]
    reported: tuple[float | Figure, ...]
    verdict: Verdict
    code: Code | None
    words: tuple[str, ...]
    foreign: bool = False


def _figures(reported: tuple[float | Figure, ...]) -> dict[str, Figure]:
    pairs = zip(NAMES, reported, strict=False)
    return {name: each if isinstance(each, Figure) else Figure.exact(each) for name, each in pairs}


def _row(client: tuple[int, int], figures: dict[str, Figure], *, foreign: bool = False) -> UsageRow:
    return judge_row("uses", {}, ClientFigure(*client), figures, KEEPS, foreign)


PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE

CASES = (
    Case("all agree", (5, 0), (5, 5, 5), PASS, None, ()),
    Case("nothing was done or counted", (0, 0), (0, 0, 0), PASS, None, ()),
    Case("the counters missed two", (5, 0), (3, 3, 5), FAIL, Code.LOST_COUNT,
        ("client and database:shop agree on 5", "service and prometheus stand 2 below",
         "the counter missed what was done")),
    Case("the counters missed one and no database is asked", (5, 0), (4, 4), FAIL,
        Code.LOST_COUNT, ("client has 5", "1 below")),
    Case("the counters counted twice", (5, 0), (10, 10, 5), FAIL, Code.DOUBLE_COUNT,
        ("service and prometheus stand 5 above", "counted more than was done")),
    Case("a row is lost", (5, 0), (5, 5, 4), FAIL, Code.LOST_ROW,
        ("client, service and prometheus agree on 5", "database:shop stands 1 below",
         "was not stored")),
    Case("a row too many", (5, 0), (5, 5, 6), FAIL, Code.EXTRA_ROW,
        ("database:shop stands 1 above", "more was stored than was done")),
    Case("Prometheus missed what the service shows", (5, 0), (5, 4, 5), FAIL, Code.SCRAPE_GAP,
        ("client, service and database:shop agree on 5", "prometheus stands 1 below")),
    Case("all witnesses saw more than the client", (5, 0), (7, 7, 7), FAIL,
        Code.FOREIGN_TRAFFIC, ("client has 5", "stand 2 above", "delivered twice")),
    Case("all witnesses saw less than the client", (5, 0), (3, 3, 3), FAIL, Code.NOT_DONE,
        ("client has 5", "2 below", "reported it as done, and no witness counted it")),
    Case("counters short and rows too many", (5, 0), (4, 4, 6), FAIL, Code.MISMATCH, ()),
    Case("in doubt, and the witnesses agree within", (5, 2), (6, 6, 6), PASS, Code.IN_DOUBT,
        ("2 in doubt", "agree within 5 to 7")),
    Case("in doubt, at the lower edge", (5, 2), (5, 5, 5), PASS, Code.IN_DOUBT, ()),
    Case("in doubt, at the upper edge", (5, 2), (7, 7, 7), PASS, Code.IN_DOUBT, ()),
    Case("in doubt, and beyond what can be", (5, 2), (8, 8, 8), FAIL, Code.FOREIGN_TRAFFIC,
        ("5 to 7", "1 above")),
    Case("in doubt, and the counter below the database", (5, 2), (5, 5, 7), FAIL,
        Code.LOST_COUNT, ("leaves 5 to 7", "the witnesses differ", "service 5", "database:shop 7")),
    Case("in doubt, and the counter above the database", (5, 2), (7, 7, 6), FAIL,
        Code.DOUBLE_COUNT, ("the witnesses differ",)),
    Case("a witness is down", (5, 0), (5, DOWN, 5),
        INCONCLUSIVE, Code.WITNESS_DOWN, ("prometheus: no data", "(Prometheus cannot be reached)")),
    Case("a witness is down, and the others contradict", (5, 0),
        (3, DOWN, 5), FAIL, Code.LOST_COUNT, ("2 below",)),
    Case("a restart, and no database is asked", (5, 0), (5, _restarted(3.0)), INCONCLUSIVE,
        Code.COUNTER_RESET, ("prometheus: at least 3", "restarted")),
    Case("a lower bound that happens to be right is still no pass", (5, 0),
        (5, _restarted(5.0)), INCONCLUSIVE, Code.COUNTER_RESET, ("at least 5",)),
    Case("a restart, and the database decides", (5, 0),
        (_restarted(2.0), _restarted(3.0), 5), PASS, Code.COUNTER_RESET,
        ("prometheus: at least 3", "restarted", "The database:shop decides: it agrees")),
    Case("a restart of one counter, and another was not scraped", (5, 0),
        (_restarted(2.0), Figure.at_least(3.0, Reason.NOT_SCRAPED_AFTER), 5), INCONCLUSIVE,
        Code.COUNTER_RESET, ("service: at least 2", "prometheus: at least 3")),
    Case("a restart, and the database lacks a row", (5, 0),
        (_restarted(2.0), _restarted(3.0), 4), FAIL, Code.LOST_ROW, ("1 below",)),
    Case("a restart is no excuse for a counter that has too much", (5, 0),
        (5, _restarted(6.0), 5), FAIL, Code.DOUBLE_COUNT, ("has at least 6",)),
    Case("a restart, and what was stored came late", (5, 0),
        (_restarted(2.0), _restarted(3.0), Figure.exact(5.0, late=2.0)), FAIL, Code.LATE,
        ("All of 5 was counted", "2 of it in database:shop")),
    Case("a restart, and others store more than ours", (5, 0),
        (_restarted(2.0), _restarted(3.0), 9), INCONCLUSIVE, Code.FOREIGN_TRAFFIC,
        ("4 more than ours",), foreign=True),
    Case("a restart, and the database is down", (5, 0),
        (5, _restarted(3.0), DOWN), INCONCLUSIVE, Code.COUNTER_RESET, ()),
    Case("no restart, and the database does not decide", (5, 0),
        (5, Figure.at_least(3.0, Reason.NOT_SCRAPED_AFTER), 5), INCONCLUSIVE,
        Code.SCRAPE_GAP, ()),
    Case("a lower bound above the interval", (5, 2),
        (_restarted(9.0), _restarted(9.0)), FAIL, Code.DOUBLE_COUNT,
        ("has at least 9",)),
    Case("a figure still moving", (5, 0), (5, Figure.at_least(4.0, Reason.STILL_MOVING)),
        INCONCLUSIVE, Code.LATE, ("still moving",)),
    Case("all was counted, but some of it late", (5, 0), (5, Figure.exact(5.0, late=2.0), 5), FAIL,
        Code.LATE, ("All of 5 was counted", "2 of it in prometheus", "reads too little")),
    Case("counted late, and too little", (5, 0), (4, Figure.exact(4.0, late=2.0), 5), FAIL,
        Code.LOST_COUNT, ("service and prometheus stand 1 below",)),
    Case("several processes behind one address", (5, 0),
        (Figure.void(Reason.SEVERAL_PROCESSES), Figure.void(Reason.SEVERAL_PROCESSES)),
        INCONCLUSIVE, Code.SPLIT_COUNTER, ("service: no data, several processes",)),
    Case("a target not scraped", (5, 0),
        (5, Figure.at_least(4.0, Reason.NOT_SCRAPED_AFTER)),
        INCONCLUSIVE, Code.SCRAPE_GAP, ("not scraped",)),
    Case("no witness was asked", (5, 0), (), INCONCLUSIVE, Code.FEW_WITNESSES,
        ("No witness beside the client has it", "no other witness was asked")),
    Case("foreign traffic above ours", (5, 0), (9, 8), INCONCLUSIVE, Code.FOREIGN_TRAFFIC,
        ("4 more than ours", "could hide a loss"), foreign=True),
    Case("foreign traffic far above ours", (5, 0), (900, 900), INCONCLUSIVE, Code.FOREIGN_TRAFFIC,
        ("895 more than ours",), foreign=True),
    Case("no traffic but ours, where others may send", (5, 0), (5, 5), PASS, None, (),
        foreign=True),
    Case("foreign traffic cannot hide a loss", (5, 0), (4, 4), FAIL, Code.LOST_COUNT,
        ("at least 5", "1 below"), foreign=True),
    Case("foreign traffic, and a witness is down", (5, 0), (9, DOWN),
        INCONCLUSIVE, Code.WITNESS_DOWN, ("prometheus: no data",), foreign=True),
    Case("foreign traffic, and lower bounds that are enough", (5, 0), (9, _restarted(5.0)),
        INCONCLUSIVE, Code.COUNTER_RESET, (), foreign=True),
    Case("foreign traffic, and a lower bound that is not enough", (5, 0),
        (9, _restarted(4.0)), INCONCLUSIVE, Code.COUNTER_RESET, (), foreign=True),
    Case("large figures have their thousands marked", (12_000, 0), (11_000, 11_000, 12_000), FAIL,
        Code.LOST_COUNT, ("agree on 12,000", "1,000 below")),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reported_figures_give_this_verdict_code_and_sentence(case: Case) -> None:
    row = _row(case.client, _figures(case.reported), foreign=case.foreign)
    assert (row.verdict, row.code) == (case.verdict, case.code)
    sentence = " ".join(row_sentences(row))
    for part in case.words:
        assert part in sentence


@pytest.mark.parametrize("figures", [(6, 6, 6), (6, _restarted(4.0), 6)])
@pytest.mark.parametrize(("limit", "verdict"), [(0.1, INCONCLUSIVE), (0.3, PASS)])
def test_a_restart_allows_no_more_doubt_than_the_quantity_does(
    figures: tuple[float | Figure, ...], limit: float, verdict: Verdict
) -> None:
    client, reported = ClientFigure(5, 2), _figures(figures)
    row = judge_row("uses", {}, client, reported, KEEPS, False, in_doubt_limit=limit)
    assert row.verdict is verdict
    if verdict is INCONCLUSIVE:
        assert row.code is Code.IN_DOUBT
        assert "could hide as many losses" in row_sentences(row)[0]


@pytest.mark.parametrize(
    ("in_doubt", "verdict", "words"),
    [
        (4, PASS, "4 counted or not after the client hung up, as the scenario leaves open; "
         "the witnesses agree within 5 to 9."),
        (5, INCONCLUSIVE, "1 of 10 in doubt: sent"),
    ],
)  # fmt: skip
def test_what_a_hang_up_leaves_open_is_no_doubt_that_the_quantity_limits(
    in_doubt: int, verdict: Verdict, words: str
) -> None:
    client = ClientFigure(5, in_doubt, after_hang_up=4)
    row = judge_row("uses", {}, client, _figures((7, 7, 7)), KEEPS, False, in_doubt_limit=0.01)
    assert row.verdict is verdict
    assert words in row_sentences(row)[0]


def test_more_than_a_hang_up_leaves_open_is_a_difference() -> None:
    client = ClientFigure(5, 4, after_hang_up=4)
    row = judge_row("uses", {}, client, _figures((10, 10, 10)), KEEPS, False)
    assert row.verdict is FAIL


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_code_by_itself_whatever_it_is_detailed_with(reason: Reason) -> None:
    """The words in an address decide nothing: `moving` and `scraped` are names of companies."""
    for detail in ("", "http://moving-company.example", "http://scraped.example"):
        row = _row((5, 0), _figures((5.0, Figure.void(reason, detail), 5.0)))
        assert (row.verdict, row.code) == (INCONCLUSIVE, CODE_OF_REASON[reason])


def test_the_weightiest_reason_of_all_witnesses_is_the_code() -> None:
    figures = _figures((
        Figure.void(Reason.SCRAPE_FAILED), Figure.void(Reason.SEVERAL_PROCESSES), 5.0,
    ))  # fmt: skip
    assert _row((5, 0), figures).code is Code.SPLIT_COUNTER


def test_right_records_are_not_blamed_for_a_counter_that_counted_too_much() -> None:
    row = _row((5, 0), _figures((_restarted(8.0), _restarted(8.0), 5)))
    assert row.verdict is Verdict.FAIL
    assert row.code is Code.DOUBLE_COUNT


def test_an_upper_bound_below_what_was_confirmed_is_a_lost_count() -> None:
    at_most = Figure(None, 3.0, Reason.OTHER_TRAFFIC)
    row = _row((5, 0), _figures((at_most, at_most)))
    assert (row.verdict, row.code) == (FAIL, Code.LOST_COUNT)
    assert "at most 3" in " ".join(row_sentences(row))


@pytest.mark.parametrize(
    "figure",
    [
        Figure(None, 7.0, Reason.OTHER_TRAFFIC),
        Figure(2.0, 9.0, Reason.OTHER_TRAFFIC),
        Figure.at_least(5.0, Reason.OTHER_TRAFFIC),
        Figure.void(Reason.OTHER_TRAFFIC),
    ],
    ids=lambda figure: figure.direction,
)
def test_a_bound_that_leaves_room_for_the_truth_accuses_nobody(figure: Figure) -> None:
    assert _row((5, 0), _figures((figure, figure, 5.0))).verdict is INCONCLUSIVE


@pytest.mark.parametrize(("first", "second"), [(5.0, 4.0), (4.0, 5.0)])
def test_of_two_stores_the_one_that_lacks_a_row_lost_it(first: float, second: float) -> None:
    figures = {
        "service": Figure.exact(5.0),
        "database:a": Figure.exact(first),
        "database:b": Figure.exact(second),
    }
    keeps = {
        "service": RecordKind.COUNTER,
        "database:a": RecordKind.RECORDS,
        "database:b": RecordKind.RECORDS,
    }
    row = judge_row("uses", {}, ClientFigure(5, 0), figures, keeps, False)
    assert (row.verdict, row.code) == (FAIL, Code.LOST_ROW)
    wrong = "database:a" if first == 4.0 else "database:b"
    assert f"{wrong} stands 1 below" in " ".join(row_sentences(row))


_ANY = st.one_of(
    st.builds(Figure.exact, st.integers(0, 12).map(float)),
    st.builds(_restarted, st.integers(0, 12).map(float)),
    st.just(DOWN),
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
    row = _row((confirmed, in_doubt), figures, foreign=foreign)
    if row.verdict is not Verdict.PASS:
        assert row.code is not None
        assert row_sentences(row)
        return
    values = [figure.value for figure in figures.values()]
    exact = [figure.value for figure in figures.values() if figure.is_exact]
    assert values
    assert all(value is not None for value in values)
    assert all(value is not None and value >= confirmed for value in exact)
    by_rows = NAMES[2] in figures and figures[NAMES[2]].is_exact
    if foreign and not by_rows:
        assert all(value is not None and value >= confirmed for value in values)
    if not foreign:
        assert len(set(exact)) == 1
        assert all(value is not None and value <= confirmed + in_doubt for value in values)
        if len(exact) < len(values):
            assert by_rows
            assert row.code is Code.COUNTER_RESET
            directions = {figure.direction for figure in figures.values()}
            assert directions == {Direction.EXACT, Direction.AT_LEAST}


@given(st.integers(0, 8), st.integers(0, 3), st.dictionaries(st.sampled_from(NAMES), _ANY))
def test_a_fail_never_rests_on_absence(
    confirmed: int, in_doubt: int, figures: dict[str, Figure]
) -> None:
    row = _row((confirmed, in_doubt), figures)
    known = {name: each for name, each in figures.items() if each.value is not None}
    if row.verdict is Verdict.FAIL:
        assert _row((confirmed, in_doubt), known).verdict is Verdict.FAIL


def test_a_row_keeps_the_figures_of_the_witnesses_that_were_asked() -> None:
    figures = {"service": Figure.exact(5.0), "prometheus": DOWN}
    row = judge_row("uses", {"kind": "tea"}, ClientFigure(5, 0), figures, KEEPS, False)
    assert row.figures == figures


_CLIENT = ClientFigure(5, 2)
_RESTARTED, _MOVED = Reason.PROCESS_RESTARTED, Reason.MOVED_BEFORE


@pytest.mark.parametrize(
    ("stored", "bound", "beyond", "short"),
    [
        (None, Figure.at_least(7.0, _RESTARTED), {}, {}),
        (None, Figure.at_least(8.0, _RESTARTED), {"counter": 8.0}, {}),
        (6.0, Figure.at_least(6.0, _RESTARTED), {}, {}),
        (6.0, Figure.at_least(7.0, _RESTARTED), {"counter": 7.0}, {}),
        (None, Figure.at_most(5.0, _MOVED), {}, {}),
        (None, Figure.at_most(4.0, _MOVED), {}, {"counter": 4.0}),
        (6.0, Figure.at_most(6.0, _MOVED), {}, {}),
        (6.0, Figure.at_most(5.0, _MOVED), {}, {"counter": 5.0}),
    ],
)
def test_a_bound_contradicts_only_what_lies_beyond_it_of_the_client_and_of_exact_figures(
    stored: float | None, bound: Figure, beyond: dict[str, float], short: dict[str, float]
) -> None:
    exact = {} if stored is None else {"database": Figure.exact(stored)}
    statement = Statement(_CLIENT, {"counter": bound, **exact}, {})
    assert (statement.beyond, statement.short) == (beyond, short)


_API = "api:billing"


@pytest.mark.parametrize(
    ("counter", "row", "event", "code"),
    [
        (5, 5, 4, Code.LOST_EVENT),
        (5, 5, 6, Code.DOUBLE_EVENT),
        (None, None, 4, Code.LOST_EVENT),
        (None, None, 6, Code.DOUBLE_EVENT),
        (5, None, 4, Code.LOST_EVENT),
        (None, 5, 6, Code.DOUBLE_EVENT),
        (4, 5, 5, Code.LOST_COUNT),
        (4, 5, 4, Code.LOST_COUNT),
        (4, None, 5, Code.LOST_COUNT),
        (6, None, 5, Code.DOUBLE_COUNT),
        (5, 4, 5, Code.LOST_ROW),
        (5, 4, 4, Code.LOST_ROW),
        (None, 6, 6, Code.EXTRA_ROW),
        (4, None, 4, Code.NOT_DONE),
        (4, 4, 4, Code.NOT_DONE),
        (6, 6, 6, Code.FOREIGN_TRAFFIC),
        (4, 5, 6, Code.LOST_COUNT),
        (5, 5, Figure.at_most(4, Reason.MOVED_BEFORE), Code.LOST_EVENT),
        (5, 5, Figure.at_least(6, Reason.NOT_SETTLED), Code.DOUBLE_EVENT),
        (_restarted(2.0), None, 4, Code.LOST_EVENT),
    ],
)
def test_events_that_stand_apart_are_blamed_only_where_counters_and_rows_agree(
    counter: float | Figure | None, row: float | None, event: float | Figure, code: Code
) -> None:
    reported = {"service": counter, "database:shop": row, _API: event}
    figures = {name: each if isinstance(each, Figure) else Figure.exact(each)
               for name, each in reported.items() if each is not None}  # fmt: skip
    keeps = {**KEEPS, _API: RecordKind.EVENTS}
    judged = judge_row("uses", {}, ClientFigure(5, 0), figures, keeps, False)
    assert (judged.verdict, judged.code) == (FAIL, code)


@pytest.mark.parametrize(("event", "code"), [(4, Code.LOST_EVENT), (5, None), (7, None)])
def test_events_of_others_hide_no_loss(event: float, code: Code | None) -> None:
    figures = {"service": Figure.exact(9), _API: Figure.exact(event)}
    keeps = {**KEEPS, _API: RecordKind.EVENTS}
    judged = judge_row("uses", {}, ClientFigure(5, 0), figures, keeps, True)
    assert judged.code is (code or Code.FOREIGN_TRAFFIC)


def test_after_a_restart_events_decide_what_a_counter_only_bounds() -> None:
    figures = {"service": _restarted(3.0), _API: Figure.exact(5)}
    keeps = {**KEEPS, _API: RecordKind.EVENTS}
    judged = judge_row("uses", {}, ClientFigure(5, 0), figures, keeps, False)
    assert (judged.verdict, judged.code) == (PASS, Code.COUNTER_RESET)


def test_a_page_of_usage_that_is_missing_is_inconclusive_with_its_reason() -> None:
    figures = {"service": Figure.exact(5), _API: Figure.void(Reason.USAGE_INCOMPLETE, "page 2")}
    keeps = {**KEEPS, _API: RecordKind.EVENTS}
    judged = judge_row("uses", {}, ClientFigure(5, 0), figures, keeps, False)
    assert (judged.verdict, judged.code) == (INCONCLUSIVE, Code.WITNESS_DOWN)
    assert "not all of the API's response could be read (page 2)" in row_sentences(judged)[0]


@pytest.mark.parametrize(
    ("reported", "least", "verdict", "code"),
    [
        ((5, 5, 5), 4, PASS, None),
        ((5, DOWN, 5), 3, INCONCLUSIVE, Code.WITNESS_DOWN),
        ((5, DOWN, 5), 4, INCONCLUSIVE, Code.FEW_WITNESSES),
        ((5, DOWN), 3, INCONCLUSIVE, Code.FEW_WITNESSES),
        ((_restarted(3.0), _restarted(3.0), 5), 2, PASS, Code.COUNTER_RESET),
        ((_restarted(3.0), _restarted(3.0), 5), 3, INCONCLUSIVE, Code.FEW_WITNESSES),
        ((5, _restarted(3.0)), 3, INCONCLUSIVE, Code.COUNTER_RESET),
        ((5, 5), 4, INCONCLUSIVE, Code.FEW_WITNESSES),
        ((3, DOWN, 5), 4, FAIL, Code.LOST_COUNT),
        ((), None, INCONCLUSIVE, Code.FEW_WITNESSES),
    ],
)
def test_fewer_exact_witnesses_than_demanded_are_no_pass(
    reported: tuple[float | Figure, ...], least: int | None, verdict: Verdict, code: Code | None
) -> None:
    client = ClientFigure(5, 0)
    row = judge_row("uses", {}, client, _figures(reported), KEEPS, False, least_witnesses=least)
    assert (row.verdict, row.code) == (verdict, code)
    assert row.least_witnesses == least
    if code is Code.FEW_WITNESSES and reported:
        exact = [name for name, figure in row.figures.items() if figure.is_exact]
        (sentence,) = row_sentences(row)
        assert f"at least {least} witnesses are demanded" in sentence
        assert all(name in sentence for name in ("client", *exact))


@pytest.mark.parametrize(
    ("log", "totals", "code"), [(10, 8, Code.LOST_ROW), (9, 10, Code.LOST_ROW), (8, 8, None)]
)
def test_of_two_stores_within_a_doubt_the_one_apart_from_the_counter_is_wrong(
    log: int, totals: int, code: Code | None
) -> None:
    """Two of three agree: the counter is not the one that counted twice."""
    counted = 10 if code else 8
    stores = {"database:b/log": log, "database:b/totals": totals}
    figures = {name: Figure.exact(value) for name, value in {"service": counted, **stores}.items()}
    keeps = KEEPS | dict.fromkeys(stores, RecordKind.RECORDS)
    row = judge_row("uses", {}, ClientFigure(8, 2), figures, keeps, False)
    assert row.code is (code or Code.IN_DOUBT)
    assert row.verdict is (FAIL if code else PASS)
