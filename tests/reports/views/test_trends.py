"""Tests of the view of trends."""

import re
from dataclasses import replace
from datetime import timedelta

from checks.history.entry import QuantityEntry
from checks.history.trends import Trend, trends_of
from checks.verdict import Verdict
from reports.vega import render_svg
from reports.views import trends as view
from reports.views.kept_reports import report_finder
from tests.checks.history.entries import FIRST_AT, entry, nights


def trend_of(*verdicts: Verdict) -> Trend:
    entries = [
        entry(number, verdict=each, quantities={"uses": QuantityEntry(each, -7.0 if each is
                                                                      Verdict.FAIL else 0.0)})
        for number, each in enumerate(verdicts)
    ]  # fmt: skip
    return trends_of(entries, 90)[0]


def test_the_calendar_begins_on_the_monday_of_the_first_run() -> None:
    weeks = view.calendar(trend_of(Verdict.PASS), lambda _: "")
    assert [week.monday for week in weeks] == ["09-28"]
    assert [day.label if day else None for day in weeks[0].days] == [
        None, None, None, "2026-10-01 pass", None, None, None,
    ]  # fmt: skip


def test_a_day_of_several_runs_has_the_worst_verdict_and_the_report_of_that_run() -> None:
    good, bad = entry(1), replace(entry(1), run_id="bad", verdict=Verdict.FAIL)
    (trend,) = trends_of([good, bad], 90)
    (day,) = [
        day for week in view.calendar(trend, lambda run_id: run_id) for day in week.days if day
    ]
    assert (day.label, day.mark, day.report) == ("2026-10-02 fail, 2 runs", "✕", "bad")


def test_a_quantity_has_its_largest_distance_and_its_marks() -> None:
    (row,) = view.quantity_rows(trend_of(Verdict.PASS, Verdict.FAIL, Verdict.PASS))
    assert (row.name, row.not_passed, row.distance, row.marks) == ("uses", "1 of 3", "−7", "✓ ✕ ✓")


def test_the_sentence_counts_the_verdicts() -> None:
    sentence = view.trend_sentence(trend_of(Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE))
    assert sentence == ("3 runs from 2026-10-01 to 2026-10-03: 1 passed, 1 failed, 1 inconclusive. "
                    "Median duration 20.000 s, of the newest 20.000 s.")  # fmt: skip


def test_a_shift_that_a_changed_scenario_begins_names_it() -> None:
    before, after = (
        nights(*[1.0] * 30),
        nights(*[1.0] * 30 + [2.0] * 30, scenario_sha256="new")[30:],
    )
    (trend,) = trends_of([*before, *after], 90)
    assert {row.versions for row in view.shift_rows(trend, lambda _: "")} == {"the scenario file"}


def test_only_a_kept_run_has_an_address() -> None:
    find_report = report_finder(["a:b"], "../")
    assert (find_report("a:b"), find_report("gone")) == ("./../a%3Ab/report.html", "")


def _axis_labels(*hours: float) -> set[str]:
    """Draw the curve of runs that started after so many hours; return what its axis says."""
    started = [FIRST_AT + timedelta(hours=each) for each in hours]
    (trend,) = trends_of([replace(entry(), run_id=str(at), started_at=at) for at in started], 90)
    picture = render_svg(view.curves(trend)[0].spec, "")
    return set(re.findall(r">((?:\d\d-\d\d)(?: \d\d:\d\d)?)<", picture))


def test_runs_of_one_day_stand_at_their_times_and_those_of_nights_at_their_days() -> None:
    assert all(" " in label for label in _axis_labels(0, 0.2, 0.5, 1))
    assert _axis_labels(0, 24, 48, 72) <= {"10-01", "10-02", "10-03", "10-04"}


def test_runs_of_one_day_are_said_to_be_of_that_day() -> None:
    (trend,) = trends_of([replace(entry(), run_id=each) for each in "ab"], 90)
    assert view.trend_sentence(trend).startswith("2 runs on 2026-10-02: ")
