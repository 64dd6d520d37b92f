from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.verdict import Verdict
from reports.views.ordering import WORST_FIRST, cut_judged, cut_rows, failing_first


@dataclass(frozen=True)
class Row:
    verdict: Verdict
    number: int = 0


ROWS = st.lists(st.builds(Row, st.sampled_from(Verdict), st.integers()))


@given(ROWS)
def test_failing_rows_come_first_and_equal_ones_keep_their_order(rows: list[Row]) -> None:
    ordered = failing_first(rows)
    ranks = [WORST_FIRST.index(row.verdict) for row in ordered]
    assert ranks == sorted(ranks)
    for verdict in Verdict:
        assert [row for row in ordered if row.verdict is verdict] == [
            row for row in rows if row.verdict is verdict
        ]


@given(ROWS, st.integers(0, 5))
def test_no_failing_row_is_left_out_for_one_that_passes(rows: list[Row], most: int) -> None:
    kept = cut_judged(rows, most).rows
    failing = sum(row.verdict is Verdict.FAIL for row in rows)
    assert len(kept) == min(most, len(rows))
    assert sum(row.verdict is Verdict.FAIL for row in kept) == min(most, failing)


def test_the_rows_that_are_left_out_are_counted_by_verdict() -> None:
    rows = [Row(Verdict.PASS), Row(Verdict.FAIL), Row(Verdict.FAIL), Row(Verdict.INCONCLUSIVE)]
    more = cut_judged(rows, 1).more
    assert all(str(verdict) in more for verdict in Verdict)
    assert cut_judged(rows, 4).more == ""


@pytest.mark.parametrize(("most", "more"), [(3, ""), (2, "… 1 more row."), (0, "… 3 more rows.")])
def test_a_table_names_how_many_rows_it_leaves_out(most: int, more: str) -> None:
    table = cut_rows(["a", "b", "c"], most)
    assert table.rows == ["a", "b", "c"][:most]
    assert table.more == more
