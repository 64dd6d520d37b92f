from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.balance.rows import judge_row
from checks.balance.sentences import row_sentences
from checks.balance.wrong_labels import Beside, find_misplaced
from checks.result import ClientFigure, Code, UsageRow
from witnesses.figure import Figure, Reason
from witnesses.model import RecordKind

KEEPS = {
    "service": RecordKind.COUNTER,
    "prometheus": RecordKind.COUNTER,
    "database:shop": RecordKind.RECORDS,
}


def _row(kind: str, client: int, counted: float | Figure, stored: float | None = None) -> UsageRow:
    figure = counted if isinstance(counted, Figure) else Figure.exact(counted)
    rows = Figure.exact(float(client if stored is None else stored))
    figures = {"service": figure, "prometheus": figure, "database:shop": rows}
    return judge_row("uses", {"kind": kind}, ClientFigure(client, 0), figures, KEEPS, False)


def _found(rows: list[UsageRow], beside: Beside) -> list[UsageRow]:
    return find_misplaced(rows, beside, "service")


def _sentence(row: UsageRow) -> str:
    return " ".join(row_sentences(row))


def test_what_lacks_under_one_value_and_is_under_another_has_a_wrong_label() -> None:
    rows = _found([_row("tea", 5, 0), _row("coffee", 5, 5), _row("teas", 0, 5)], {})
    assert [row.code for row in rows] == [Code.WRONG_LABEL, None, Code.WRONG_LABEL]
    assert "As many (5) were counted under teas." in _sentence(rows[0])
    assert _sentence(rows[2]) == "Nothing should move it; as many are missing under tea."


def test_labels_that_were_swapped_are_named_with_the_amounts_that_moved() -> None:
    rows = _found(
        [_row("tea", 60, 57), _row("coffee", 60, 62), _row("cake", 60, 60), _row("pie", 60, 61)], {}
    )
    assert [row.code for row in rows] == [
        Code.WRONG_LABEL, Code.WRONG_LABEL, None, Code.WRONG_LABEL,
    ]  # fmt: skip
    assert "As many (3) were counted under coffee (2) and pie (1)." in _sentence(rows[0])
    assert "As many (2) are missing under tea (3)." in _sentence(rows[1])


@given(st.lists(st.sampled_from("abcd"), min_size=60, max_size=240), st.randoms())
def test_any_mix_up_among_known_labels_is_a_wrong_label(uses: list[str], random: Random) -> None:
    """One use in sixty, or more, is counted under a label at random."""
    counted = [random.choice("abcd") if random.random() < 1 / 60 else use for use in uses]
    rows = _found([_row(each, uses.count(each), counted.count(each)) for each in "abcd"], {})
    assert {row.code for row in rows} <= {None, Code.WRONG_LABEL}
    moved = sum(row.misplaced.amount for row in rows if row.misplaced)
    assert moved == sum(abs(uses.count(each) - counted.count(each)) for each in "abcd")


def test_a_label_with_an_id_in_it_is_unbounded() -> None:
    strays = [_row(f"tea-{n}", 0, 1) for n in range(6)]
    rows = _found([_row("tea", 6, 0), *strays], {})
    assert {row.code for row in rows} == {Code.UNBOUNDED_LABEL}
    assert "6 values that no step moves, such as tea-0" in _sentence(rows[0])


def test_a_lack_and_a_surplus_of_other_amounts_are_not_one() -> None:
    rows = _found([_row("tea", 5, 2), _row("teas", 0, 2)], {})
    assert [row.code for row in rows] == [Code.LOST_COUNT, Code.DOUBLE_COUNT]


@pytest.mark.parametrize("surplus", [4, 6])
def test_a_surplus_of_another_amount_explains_no_lack(surplus: int) -> None:
    rows = _found([_row("tea", 5, 0), _row("teas", 0, surplus)], {})
    assert [row.code for row in rows] == [Code.LOST_COUNT, Code.DOUBLE_COUNT]
    assert all(row.misplaced is None for row in rows)


def test_what_another_tenants_series_has_got_is_named() -> None:
    rows = _found([_row("tea", 5, 3)], {("tea",): {("tenant", "globex"): 2.0}})
    assert rows[0].code is Code.WRONG_LABEL
    assert _sentence(rows[0]).endswith('As many were counted under tenant="globex".')


def test_another_tenants_series_that_grew_by_another_amount_explains_nothing() -> None:
    rows = _found([_row("tea", 5, 3)], {("tea",): {("tenant", "globex"): 7.0}})
    assert rows[0].code is Code.LOST_COUNT


def test_rows_that_pass_stay_as_they_are() -> None:
    rows = [_row("tea", 5, 5)]
    assert _found(rows, {("tea",): {("tenant", "globex"): 5.0}}) == rows


def test_a_lower_bound_lacks_nothing() -> None:
    rows = _found(
        [_row("tea", 5, Figure.at_least(3.0, Reason.PROCESS_RESTARTED), 4), _row("teas", 0, 2)], {}
    )
    assert Code.WRONG_LABEL not in {row.code for row in rows}


@pytest.mark.parametrize(("values", "code"), [(5, Code.WRONG_LABEL), (6, Code.UNBOUNDED_LABEL)])
def test_more_than_five_values_that_no_step_moves_are_made_up_by_use(
    values: int, code: Code
) -> None:
    made_up = [_row(f"tea-{number}", 0, 1) for number in range(values)]
    assert {row.code for row in _found([_row("tea", values, 0), *made_up], {})} == {code}


def test_what_lacks_and_what_is_too_much_is_counted_from_the_nearer_end_of_the_client() -> None:
    rows = [
        judge_row("uses", {"kind": kind}, ClientFigure(5, 2), {"service": Figure.exact(counted)},
                  KEEPS, False)
        for kind, counted in (("tea", 4.0), ("coffee", 8.0))
    ]  # fmt: skip
    found = _found(rows, {})
    assert [row.code for row in found] == [Code.WRONG_LABEL, Code.WRONG_LABEL]
    assert [row.misplaced.amount for row in found if row.misplaced] == [1.0, 1.0]
