"""Tests of the summary in Markdown."""

from pathlib import Path

import pytest

from checks.result import Result
from reports.markdown import MOST_BYTES, render_markdown
from tests.reports.attacks import CONTROL, attacked, control_in, crowded
from tests.reports.results import failing_result

GOLDEN = Path(__file__).parent / "golden"
REPORT = Path("runs/20261122-175000-7f3a/report.html")


def test_markdown_lets_no_attack_out_of_its_cell() -> None:
    text = render_markdown(attacked())
    outside = "".join(text.split("```")[::2])
    assert "<script" not in outside
    assert "<img" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| &lt;script")]
    assert rows
    assert all(line.count(" | ") - line.count("\\|") <= 9 for line in rows)


@pytest.mark.parametrize("result", [crowded(300), attacked("<|`" * 300_000)], ids=["rows", "texts"])
def test_markdown_stays_small_with_what_fails(result: Result) -> None:
    text = render_markdown(result)
    assert len(text.encode()) < MOST_BYTES + 200
    assert "## What does not pass" in text


def test_markdown_starts_with_the_verdict_and_its_sentence() -> None:
    lines = render_markdown(failing_result()).splitlines()
    assert lines[0] == "# ✕ FAIL: The witnesses do not agree"
    assert lines[2] == (
        "The service and Prometheus are 3 cards_used (voice) short in step execute workflow: "
        "98 counted, 101 done."
    )


def test_no_control_character_of_a_foreign_string_is_rendered() -> None:
    text = render_markdown(attacked(CONTROL))
    assert "a\ufffd[31mb\ufffdc\ufffd2Jd\ufffde\ufffdf\ufffdg" in text
    assert control_in(text) == set()
