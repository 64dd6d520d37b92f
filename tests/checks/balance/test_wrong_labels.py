from checks.balance.rows import judge_row
from checks.balance.wrong_labels import find_elsewhere
from checks.result import ClientFigure, Code, UsageRow
from witnesses.figure import Figure


def _row(kind: str, client: int, counted: float | Figure, stored: float | None = None) -> UsageRow:
    figure = counted if isinstance(counted, Figure) else Figure(counted)
    rows = Figure(float(client if stored is None else stored))
    figures = {"service": figure, "prometheus": figure, "database": rows}
    return judge_row("uses", {"kind": kind}, ClientFigure(client, 0), figures, False)


def test_what_lacks_under_one_value_and_is_under_another_has_a_wrong_label() -> None:
    rows = find_elsewhere([_row("tea", 5, 0), _row("coffee", 5, 5), _row("teas", 0, 5)], {})
    assert [row.code for row in rows] == [Code.WRONG_LABEL, None, Code.WRONG_LABEL]
    assert "As many (5) were counted under teas." in rows[0].detail
    assert rows[2].detail == "Nothing should move it; as many are missing under tea."


def test_a_label_with_an_id_in_it_is_unbounded() -> None:
    strays = [_row(f"tea-{n}", 0, 1) for n in range(6)]
    rows = find_elsewhere([_row("tea", 6, 0), *strays], {})
    assert {row.code for row in rows} == {Code.UNBOUNDED_LABEL}
    assert "6 values that no step moves, such as tea-0" in rows[0].detail


def test_a_lack_and_a_surplus_of_other_amounts_are_not_one() -> None:
    rows = find_elsewhere([_row("tea", 5, 2), _row("teas", 0, 2)], {})
    assert [row.code for row in rows] == [Code.LOST_COUNT, Code.DOUBLE_COUNT]


def test_what_another_tenants_series_has_got_is_named() -> None:
    rows = find_elsewhere([_row("tea", 5, 3)], {("tea",): {("tenant", "globex"): 2.0}})
    assert rows[0].code is Code.WRONG_LABEL
    assert rows[0].detail.endswith('As many were counted under tenant="globex".')


def test_another_tenants_series_that_grew_by_another_amount_explains_nothing() -> None:
    rows = find_elsewhere([_row("tea", 5, 3)], {("tea",): {("tenant", "globex"): 7.0}})
    assert rows[0].code is Code.LOST_COUNT


def test_rows_that_pass_stay_as_they_are() -> None:
    rows = [_row("tea", 5, 5)]
    assert find_elsewhere(rows, {("tea",): {("tenant", "globex"): 5.0}}) == rows


def test_a_lower_bound_lacks_nothing() -> None:
    rows = find_elsewhere([_row("tea", 5, Figure(3.0, "restarted"), 4), _row("teas", 0, 2)], {})
    assert Code.WRONG_LABEL not in {row.code for row in rows}
