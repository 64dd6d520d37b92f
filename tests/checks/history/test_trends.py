"""Tests of trends: groups of runs, shifts, flaky checks."""

from dataclasses import replace

import numpy as np
import pytest

from checks.history.entry import Entry
from checks.history.trends import trends_of
from checks.verdict import Verdict
from tests.checks.history.entries import entry, nights, step_entry

DAYS = 90


def noisy(shift_at: int, shift: float = 0.15) -> tuple[Entry, ...]:
    values = np.exp(np.random.default_rng(1).normal(0, 0.04, DAYS))
    values[shift_at:] *= 1 + shift
    return nights(*values.tolist())


def test_a_shift_is_dated_with_the_first_run_that_has_it() -> None:
    entries = noisy(60)
    (trend,) = trends_of(entries, DAYS)
    firsts = {(each.step, each.percentile): each.first for each in trend.shifts}
    assert firsts["iteration", "p95"] is entries[60]
    assert {percentile for _, percentile in firsts} == {"p50", "p95", "p99"}


def test_runs_of_other_places_scenarios_and_profiles_are_trends_of_their_own() -> None:
    others = [entry(environment="b"), entry(scenario="b"), entry(profile="b"), entry()]
    found = [(each.environment, each.scenario, each.profile) for each in trends_of(others, DAYS)]
    assert found == [("b", "shop", "load"), ("test", "b", "load"), ("test", "shop", "b"),
                     ("test", "shop", "load")]  # fmt: skip


def test_runs_with_a_seeded_fault_are_left_out() -> None:
    assert trends_of([entry(fault="lost-count")], DAYS) == ()


def test_runs_before_the_last_days_are_left_out() -> None:
    (trend,) = trends_of(nights(*[1.0] * 40), days=10)
    assert len(trend.entries) == 11


def test_another_machine_is_no_shift() -> None:
    entries = [
        replace(each, machine="elsewhere") if number < 60 else each
        for number, each in enumerate(noisy(60, shift=2.0))
    ]
    (trend,) = trends_of(entries, DAYS)
    assert trend.shifts == ()


def test_an_interrupted_run_is_shown_and_is_no_part_of_a_shift() -> None:
    entries = [*nights(*[1.0] * 30), *nights(*[9.0] * 40, partial=True)]
    (trend,) = trends_of(entries, DAYS)
    assert len(trend.entries) == 70
    assert trend.shifts == ()


def test_a_step_that_took_no_time_is_no_error() -> None:
    (trend,) = trends_of(
        [entry(each, latency={"use": step_entry(0.0)}) for each in range(30)], DAYS
    )
    assert trend.shifts == ()


@pytest.mark.parametrize(
    ("verdicts", "changes"),
    [("ppppp", None), ("ppfpp", None), ("pfffp", None), ("pfpfp", 4), ("pipip", 4), ("pfp p f", 3)],
)
def test_a_check_is_flaky_if_it_changes_its_verdict_three_times(
    verdicts: str, changes: int | None
) -> None:
    words = {"p": Verdict.PASS, "f": Verdict.FAIL, "i": Verdict.INCONCLUSIVE}
    entries = [
        entry(number, checks={"a": words[letter]} if letter in words else {})
        for number, letter in enumerate(verdicts)
    ]
    (trend,) = trends_of(entries, DAYS)
    assert [(each.id, each.changes) for each in trend.flaky] == (
        [("a", changes)] if changes else []
    )
