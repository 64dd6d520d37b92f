from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.verdict import Verdict
from reports.views.objectives import objective_rows
from tests.reports.results import empty_result, good_result, latency_row, objective


def test_there_is_one_row_per_limit_success_rate_and_query() -> None:
    rows = objective_rows(good_result())
    assert len({row.id for row in rows}) == len(rows)
    assert {row.id.split("/")[0] for row in rows} >= {"latency", "success"}
    assert objective_rows(empty_result()) == []


def test_the_verdict_of_a_limit_is_that_of_its_finding() -> None:
    result = good_result()
    first = next(each for each in result.findings if each.id.startswith("latency/"))
    unknown = replace(first, verdict=Verdict.INCONCLUSIVE)
    findings = tuple(unknown if each is first else each for each in result.findings)
    rows = objective_rows(replace(result, findings=findings))
    assert rows[0].id == first.id
    assert rows[0].verdict is Verdict.INCONCLUSIVE


@given(st.floats(0.001, 100), st.floats(0.001, 100))
def test_bar_and_limit_stand_to_each_other_as_the_numbers(limit_s: float, p95_s: float) -> None:
    limit = objective(95.0, limit_s, p95_s)
    row = latency_row("open", p95_s, objectives=(limit,))
    (shown,) = (
        each
        for each in objective_rows(replace(empty_result(), latency=(row,)))
        if each.percentile == 95.0
    )
    assert shown.bar is not None
    assert 0 <= shown.bar.low <= shown.bar.measured <= shown.bar.high <= 1
    assert shown.bar.measured / shown.bar.limit == pytest.approx(p95_s / limit_s)
    assert shown.use_ratio == pytest.approx(p95_s / limit_s)


def test_a_limit_that_is_not_judged_has_no_mark_of_a_pass() -> None:
    limit = objective(95.0, 0.3, 0.5, over_low=1, over_high=1, allowed=0, count=1, judged=False,
                      proven=False, low_s=None, high_s=None)  # fmt: skip
    row = latency_row("buy", 0.5, count=1, objectives=(limit,))
    (shown,) = objective_rows(replace(empty_result(), latency=(row,)))
    assert (shown.verdict, shown.state) == (Verdict.PASS, "– not judged")


def test_a_limit_that_is_not_judged_keeps_the_verdict_of_a_saturated_generator() -> None:
    limit = objective(95.0, 0.3, 0.5, judged=False, verdict=Verdict.INCONCLUSIVE)
    row = latency_row("buy", 0.5, objectives=(limit,))
    (shown,) = objective_rows(replace(empty_result(), latency=(row,)))
    assert shown.state == "? inconclusive"


def test_what_was_not_served_stands_beside_the_number_that_was_judged() -> None:
    limit = objective(95.0, 0.3, 0.5, count=36)
    row = latency_row("buy", 0.5, count=35, not_served=15, objectives=(limit,))
    (shown,) = objective_rows(replace(empty_result(), latency=(row,)))
    assert (shown.count, shown.left_out) == ("36", "14 not served")
