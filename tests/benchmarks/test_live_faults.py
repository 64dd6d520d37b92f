from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.faulty_shop import FaultName
from benchmarks.live_faults import (
    ANSWERS,
    BANNER,
    SINCE,
    STEP,
    WHEN,
    WHO,
    WITNESS,
    Answer,
    LiveRun,
    count_runs,
    is_near,
    texts_of,
)
from reports.html import render_html
from tests.reports.results import good_result

AT = datetime(2026, 11, 22, 17, 50, 3, 400_000, tzinfo=UTC)
PAGE = """<title>FAIL</title><style>p {}</style><header><h1>FAIL</h1><p>Step <b>order</b> was slow
from 17:50:03.5 to 17:50:07 UTC.</p></header>
<section aria-labelledby="latency"><h2>Latency</h2><svg><text>drawn</text></svg>
<details><summary>Data</summary>folded</details><p>open</p></section>"""
SLOW = Answer(WHEN, BANNER, r"was slow from (?P<time>[\d:.]+) to")


def test_the_text_of_a_page_is_what_stands_open_by_section() -> None:
    assert texts_of(PAGE) == {
        BANNER: "FAIL Step order was slow from 17:50:03.5 to 17:50:07 UTC.",
        "latency": "Latency open",
    }


def test_every_section_of_a_report_is_found() -> None:
    texts = texts_of(render_html(good_result()))
    assert {BANNER, "objectives", "balance", "flow", "latency", "history"} <= set(texts)
    assert texts[BANNER].startswith("Skip to the objectives ✓ PASS Every check passed")


@pytest.mark.parametrize(
    ("time", "truth", "near"),
    [
        ("17:50:03.4", AT, True),
        ("17:50:01.4", AT, True),
        ("17:50:05.5", AT, False),
        ("17:50:01", AT, False),
        ("00:00:00.5", AT.replace(hour=23, minute=59, second=59), True),
        ("23:59:59", AT.replace(hour=0, minute=0, second=0), True),
        ("05:50:03", AT, False),
    ],
)
def test_a_time_is_near_the_truth_within_two_seconds_also_at_midnight(
    time: str, truth: datetime, near: bool
) -> None:
    assert is_near(time, truth) is near


def test_a_question_is_answered_by_a_sentence_in_its_section_with_the_true_time() -> None:
    texts = texts_of(PAGE)
    assert SLOW.sentence_in(texts, AT) == "was slow from 17:50:03.5 to"
    assert SLOW.sentence_in(texts, AT + timedelta(minutes=1)) == ""
    assert replace(SLOW, section="latency").sentence_in(texts, AT) == ""
    assert replace(SLOW, section="nowhere").sentence_in(texts, AT) == ""


def test_a_page_that_lacks_an_answer_says_which(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(PAGE)
    answers = list(LiveRun(page, AT).answers([SLOW, Answer(WITNESS, BANNER, "agree")]))
    assert [bool(sentence) for _, sentence in answers] == [True, False]


@pytest.mark.parametrize("fault", ANSWERS)
def test_each_fault_has_the_five_questions_of_a_new_reader(fault: FaultName) -> None:
    assert [each.question for each in ANSWERS[fault]] == [WHEN, STEP, WITNESS, WHO, SINCE]


def test_the_runs_of_a_history_are_counted(tmp_path: Path) -> None:
    assert count_runs(tmp_path) == 0
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "a.json").touch()
    assert count_runs(tmp_path) == 1
