"""Tests of the view of a comparison."""

from dataclasses import replace

from checks.comparison import ComparisonRule, Outcome, RunNoise
from reports.views import comparison as view
from tests.reports.comparisons import STEPS, no_regression, nothing_to_compare, regression


def test_the_sentences_name_what_is_slower_and_what_fails_now() -> None:
    assert view.sentences(regression()) == [
        "Slower: submit answers all values +20.0 %.",
        "Passed before and fails now: usage/cards_used.",
    ]
    assert view.word(regression()) == "Regression"


def test_without_a_proof_the_smallest_change_of_interest_is_named() -> None:
    assert view.sentences(no_regression())[0] == "No step is proven to be more than 5 % slower."


def test_a_pass_states_the_largest_change_that_the_runs_do_not_exclude() -> None:
    slight, wide = (
        replace(STEPS[0].changes[0], high=high, outcome=Outcome.UNPROVEN) for high in (1.2, 4.5)
    )
    steps = (
        replace(STEPS[0], changes=(slight,)),
        replace(STEPS[0], step="download", changes=(wide,)),
    )
    assert view.sentences(regression(steps=steps, findings=())) == [
        "No step is proven to be more than 5 % slower.",
        "Not excluded: up to +350 % (download); longer runs narrow the intervals.",
    ]


def test_nothing_is_left_open_where_every_interval_is_within_the_change_of_interest() -> None:
    alike = (replace(STEPS[0].changes[0], high=1.04, outcome=Outcome.ALIKE),)
    sentences = view.sentences(regression(steps=(replace(STEPS[0], changes=alike),), findings=()))
    assert sentences == ["No step is proven to be more than 5 % slower."]


def test_what_is_not_proven_is_neither_marked_as_good_nor_as_bad() -> None:
    changes = (replace(STEPS[0].changes[0], outcome=Outcome.UNPROVEN),)
    (row,) = view.change_rows(regression(steps=(replace(STEPS[0], changes=changes),)))
    assert row.tone == "neutral"


def test_an_obstacle_is_the_reason() -> None:
    (sentence,) = view.sentences(nothing_to_compare())
    assert sentence.startswith("The runs have different profiles")
    assert view.word(nothing_to_compare()) == "Not comparable"


def test_steps_without_a_change_say_so() -> None:
    assert view.sentences(regression(steps=STEPS[1:], findings=())) == [
        "No step could be compared."
    ]


def test_a_faster_step_is_named() -> None:
    changes = (replace(STEPS[0].changes[0], ratio=0.8, outcome=Outcome.FASTER),)
    sentences = view.sentences(regression(steps=(replace(STEPS[0], changes=changes),), findings=()))
    assert sentences[0] == "Faster: submit answers all values −20.0 %."


def test_a_step_that_was_not_judged_has_its_reason() -> None:
    row = view.change_rows(regression())[-1]
    assert (row.step, row.change, row.outcome) == ("download", "no data", "? fewer than 60 values")


def test_regressions_stand_first_and_a_missing_check_is_none() -> None:
    rows = view.finding_rows(regression())
    assert [each.name for each in rows] == ["usage/cards_used", "promql/few-errors"]
    assert (rows[1].before, rows[1].after) == ("none", "✓ pass: 0")


def test_errors_have_counts_and_shares() -> None:
    (row,) = view.error_rows(regression())
    assert (row.before, row.after) == ("2 of 1,000 (0.20 %)", "31 of 1,000 (3.10 %)")


def test_the_method_says_whether_the_noise_was_measured() -> None:
    assert "at least 3 %, as given" in view.method(regression())
    assumed = regression(rule=ComparisonRule(is_noise_assumed=True))
    assert "assumed, not measured: fewer than 5 comparable runs" in view.method(assumed)
    measured = regression(measured_noise={"submit answers": RunNoise(0.02, 0.04)})
    assert "at least 3 %, or more where the history shows it" in view.method(measured)
    assert "Prediction interval" in view.method(regression(before=("a", "b", "c")))
