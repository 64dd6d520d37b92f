from dataclasses import replace

import pytest

from checks.history.entry import Entry
from checks.result import Finding, Kind, Result
from checks.verdict import Verdict
from reports.html import render_html
from reports.markdown import render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.views.banner import banner_of
from reports.views.since import since_sentence, since_sentences
from tests.checks.history.entries import entry, nights
from tests.reports.results import empty_result, finding, good_result
from tests.reports.test_html import Page
from tests.reports.views.test_history import FIVE, with_history

CHECK = "usage/cards_used"
FAILED = finding("usage cards_used", Kind.USAGE, id=CHECK, verdict=Verdict.FAIL)
UNKNOWN = replace(FAILED, verdict=Verdict.INCONCLUSIVE)
PASS, FAIL, OPEN = {CHECK: Verdict.PASS}, {CHECK: Verdict.FAIL}, {CHECK: Verdict.INCONCLUSIVE}


def after(*checks: dict[str, Verdict], failed: Finding = FAILED) -> Result:
    """Make a run that fails, after runs whose check had these verdicts."""
    runs = (entry(number, checks=each) for number, each in enumerate(checks, start=1))
    return with_history(*runs, findings=(failed,), verdict=Verdict.FAIL)


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (after(PASS), "New in this run: usage cards_used passed in the earlier run that judged "
         "it."),
        (after(PASS, PASS, PASS), "New in this run: usage cards_used passed in each of the 3 "
         "earlier runs that judged it."),
        (after(FAIL, PASS, PASS), "New in this run: usage cards_used passed in 2 of the 3 earlier "
         "runs that judged it."),
        (after(PASS, PASS, OPEN), "New in this run: usage cards_used passed in each of the 2 "
         "earlier runs that judged it."),
        (after(PASS, OPEN, failed=UNKNOWN), "Since the run of 2026-10-03 03:00:00 UTC (2 runs): "
         "usage cards_used passed in the run before that."),
        (after(FAIL, PASS, PASS, FAIL, OPEN), "Since the run of 2026-10-05 03:00:00 UTC (2 runs): "
         "usage cards_used passed in the run before that."),
        (after({}, PASS, {}, FAIL), "Since the run of 2026-10-05 03:00:00 UTC (2 runs): "
         "usage cards_used passed in the run before that."),
        (after(FAIL), "usage cards_used did not pass in the earlier run that judged it either."),
        (after(FAIL, OPEN, FAIL, {}), "usage cards_used did not pass in any of the 2 earlier runs "
         "that judged it either."),
        (after(OPEN, OPEN), ""),
        (after({}, {}), ""),
    ],
)  # fmt: skip
def test_a_check_that_does_not_pass_is_dated_to_the_first_run_of_its_streak(
    result: Result, sentence: str
) -> None:
    assert since_sentence(result, result.findings[0]) == sentence
    assert since_sentences(result) == ([sentence] if sentence else [])


def test_a_version_that_changed_with_the_first_run_of_a_streak_is_named() -> None:
    result = after(PASS, PASS, FAIL)
    old, new = {"service shop": "1.4.1", "python": "3.11"}, {"service shop": "1.4.2", "python": "4"}
    runs = [replace(each, versions=versions)
            for each, versions in zip(result.history, (old, old, new), strict=True)]  # fmt: skip
    sentence = since_sentence(replace(result, history=tuple(runs)), FAILED)
    assert sentence.endswith(" With it the version changed: shop from 1.4.1 to 1.4.2.")
    same = [replace(each, versions=new) for each in runs]
    assert "version" not in since_sentence(replace(result, history=tuple(same)), FAILED)


def test_a_version_that_is_new_to_the_history_did_not_change() -> None:
    result = after(PASS, FAIL)
    runs = (result.history[0], replace(result.history[1], versions={"service shop": "1.4.2"}))
    assert "version" not in since_sentence(replace(result, history=runs), FAILED)


def test_a_shift_of_the_p95_is_dated_to_the_first_run_that_has_it() -> None:
    runs = nights(*[0.40] * 10, *[0.70] * 8)
    (sentence,) = since_sentences(with_history(*runs))
    assert sentence.startswith("p95 of the iteration shifted from 0.400 s to 0.700 s (+75.00 %)")
    assert f"{runs[10].started_at:%Y-%m-%d %H:%M:%S} UTC" in sentence
    assert banner_of(with_history(*runs)).since == sentence


def test_a_shift_that_came_with_another_scenario_file_is_none() -> None:
    before = [replace(each, scenario_sha256="another") for each in nights(*[0.40] * 10)]
    later = [entry(number, 0.70) for number in range(11, 19)]
    assert since_sentences(with_history(*before, *later)) == []


@pytest.mark.parametrize("result", [good_result(), empty_result(), with_history()])
def test_where_all_passes_and_nothing_shifted_nothing_is_dated(result: Result) -> None:
    assert since_sentences(result) == []
    assert banner_of(result).since == ""


def test_the_first_screen_of_every_rendering_says_since_which_run_it_fails() -> None:
    result, sentence = after(PASS, PASS, FAIL), "Since the run of 2026-10-04 03:00:00 UTC (2 runs)"
    page = Page(render_html(result))
    assert sentence in page.text.partition("Objectives")[0]
    assert sentence in render_terminal(result, None, TerminalFormat(100, "utf-8", colours=False))
    assert sentence in render_markdown(result).partition("| Gate")[0]


def test_the_first_screen_of_a_run_that_passes_compares_it_with_the_runs_before() -> None:
    runs: tuple[Entry, ...] = nights(*FIVE)
    page = Page(render_html(with_history(*runs)))
    assert (
        "iteration p95 0.704 s; median of the last 5 passing runs"
        in page.text.partition("Objectives")[0]
    )
