from dataclasses import replace
from fractions import Fraction

import pytest

from checks.result import ClientFigure
from checks.verdict import Verdict
from reports.views.unproven import unproven_sentence
from tests.reports.results import good_result, latency_row, objective, usage_row
from witnesses.figure import Amount


def test_the_limit_that_so_few_requests_do_not_prove_is_named_with_what_they_allow() -> None:
    sentence = unproven_sentence(good_result())
    assert sentence == (
        "Not proven: create session p99 at 100 requests, since 0 of 100 over 5.000 s allows up to "
        "3.62 % of all, and 2 more limits."
    )


def test_an_unproven_p95_comes_before_any_other_percentile() -> None:
    limits = (objective(99.0, 5.0, 1.0, proven=False), objective(95.0, 2.5, 1.0, proven=False))
    row = latency_row("ask", 1.0, objectives=limits)
    assert unproven_sentence(good_result(latency=(row,))).startswith("Not proven: ask p95 at 100")


def test_what_is_proven_fails_or_is_not_judged_is_not_named() -> None:
    limits = (
        objective(99.0, 5.0, 1.0),
        objective(95.0, 0.5, 1.0, proven=False, verdict=Verdict.FAIL),
        objective(50.0, 0.5, 1.0, proven=False, judged=False),
    )
    assert unproven_sentence(good_result(latency=(latency_row("a", 1.0, objectives=limits),))) == ""


def test_counts_that_agree_within_a_range_only_are_counted_once() -> None:
    rows = [usage_row(name, 98, client=ClientFigure(95, number))
            for name, number in (("a", 3), ("b", 5), ("c", 0))]  # fmt: skip
    rows.append(replace(rows[0], verdict=Verdict.FAIL))
    sentence = unproven_sentence(good_result(latency=(), usage=tuple(rows)))
    assert sentence == ("Not proven: 2 counts exactly, since up to 5 of each are in doubt.")


@pytest.mark.parametrize(
    ("in_doubt", "shown"),
    [
        (Fraction(5, 2), "2.5"),
        (2.5, "2.5"),
        (Fraction(1_500), "1,500"),
        (Fraction(1, 1000), "0.001"),
    ],
)  # fmt: skip
def test_an_amount_with_decimals_in_doubt_is_shown_whole(in_doubt: Amount, shown: str) -> None:
    row = usage_row("tokens", 98, client=ClientFigure(95, in_doubt))
    sentence = unproven_sentence(good_result(latency=(), usage=(row,)))
    assert sentence == f"Not proven: 1 count exactly, since up to {shown} of each are in doubt."


def test_a_run_that_proves_all_says_nothing() -> None:
    assert unproven_sentence(good_result(latency=())) == ""
