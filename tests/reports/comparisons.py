"""Comparisons to render, one per verdict."""

from dataclasses import replace
from typing import Any

from checks.comparison import (
    Change,
    ComparisonRule,
    Estimate,
    Measure,
    NotJudged,
    Outcome,
    PercentilePair,
    StepComparison,
)
from checks.differences import (
    Comparison,
    ErrorChange,
    FindingChange,
    Obstacle,
    QuantityChange,
    SettingChange,
)
from checks.history.entry import QuantityEntry
from checks.verdict import Verdict


def change(measure: Measure, ratio: float, outcome: Outcome, p: float) -> Change:
    return Change(measure, ratio, ratio * 0.92, ratio * 1.08, p, 1 - p, p, 1.0, outcome)


STEPS = (
    StepComparison(
        "submit answers", 1000, 1000,
        (PercentilePair(50.0, Estimate(0.1, 0.098, 0.102), Estimate(0.12, 0.118, 0.122)),
         PercentilePair(99.0, Estimate(0.3, 0.28, None), Estimate(0.4, 0.37, None))),
        0.71,
        (change(Measure.SHIFT, 1.2, Outcome.SLOWER, 0.00004),
         change(Measure.P95, 1.08, Outcome.UNPROVEN, 0.12)),
    ),
    StepComparison("download", 20, 1000, not_judged=NotJudged.TOO_FEW),
)  # fmt: skip


def regression(**changes: Any) -> Comparison:
    found = Comparison(
        ("20261122-175000-7f3a",), "20261123-175000-91bc", ComparisonRule(), Verdict.FAIL, (),
        STEPS,
        (FindingChange("usage/cards_used", Verdict.PASS, Verdict.FAIL, "17 of 17 counts agree",
                       "16 of 17 counts agree", True),
         FindingChange("promql/few-errors", None, Verdict.PASS, "", "0", False)),
        (QuantityChange("cards_used type=voice", QuantityEntry(Verdict.PASS, 0.0),
                        QuantityEntry(Verdict.FAIL, -4.0)),),
        (ErrorChange("submit answers", "status 503, expected 200", 2, 1000, 31, 1000),),
        (SettingChange("version of cards", "1.4", "1.5"),
         SettingChange("seeded fault", "", "lost-usage-increment")),
        {},
    )  # fmt: skip
    return replace(found, **changes)


def nothing_to_compare() -> Comparison:
    return regression(
        verdict=Verdict.INCONCLUSIVE, obstacles=(Obstacle.OTHER_PROFILE,), steps=(), findings=(),
        quantities=(), errors=(), settings=(SettingChange("profile", "load", "soak"),),
    )  # fmt: skip


def no_regression() -> Comparison:
    step = replace(STEPS[0], changes=(change(Measure.SHIFT, 1.01, Outcome.ALIKE, 0.4),))
    return regression(verdict=Verdict.PASS, steps=(step,), findings=(), quantities=(), errors=(),
                      settings=())  # fmt: skip
