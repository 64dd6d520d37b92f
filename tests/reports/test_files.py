"""Are the files for machines and summaries whole, safe, and as they were agreed?"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from checks.result import Kind, Result
from checks.verdict import Verdict
from reports.junit import render_junit
from reports.markdown import MOST_BYTES, render_markdown
from reports.render import render_all
from reports.terminal import render_terminal
from reports.terminal_output import Paper
from tests.paths import ROOT
from tests.reports.attacks import EVIL, attacked, crowded
from tests.reports.results import empty_result, failing_result, finding, good_result

GOLDEN = Path(__file__).parent / "golden"
REPORT = Path("runs/20261122-175000-7f3a/report.html")


def golden(name: str, text: str) -> None:
    """Compare with the file; `UPDATE_GOLDEN=1 pytest` writes it anew."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["good", "failing", "empty"])
def test_renderings_are_as_they_were_agreed(name: str) -> None:
    result = {"good": good_result(), "failing": failing_result(), "empty": empty_result()}[name]
    golden(f"{name}.md", render_markdown(result))
    golden(f"{name}.xml", render_junit(result))
    golden(f"{name}.100.txt", render_terminal(result, REPORT, Paper(100, "utf-8", False)))
    golden(f"{name}.80.txt", render_terminal(result, REPORT, Paper(80, "ascii", False)))


def test_junit_has_a_case_a_finding_and_skips_nothing() -> None:
    result = failing_result()
    root = ET.fromstring(render_junit(result))
    assert len(root.findall("testsuite/testcase")) == len(result.findings)
    assert root.find(".//skipped") is None
    assert (root.get("failures"), root.get("errors")) == ("1", "1")
    failed, unknown = root.find(".//failure"), root.find(".//error")
    assert failed is not None and unknown is not None
    assert (failed.get("type"), unknown.get("type")) == ("LOST_COUNT", "SCRAPE_GAP")
    assert "3 short" in (failed.text or "")
    assert "no data" in unknown.get("message", "")


def test_junit_has_one_suite_a_kind_in_order() -> None:
    root = ET.fromstring(render_junit(good_result()))
    told = [kind for kind in Kind if kind is not Kind.AVAILABILITY]  # which is a watch's
    assert [suite.get("name") for suite in root] == told


@pytest.mark.parametrize(
    ("result", "tag"),
    [
        (empty_result(), "error"),
        (empty_result(Verdict.FAIL), "failure"),
        (good_result(verdict=Verdict.INCONCLUSIVE), "error"),
    ],
    ids=["nothing checked", "failed", "worse than its findings"],
)
def test_junit_is_never_greener_than_the_run(result: Result, tag: str) -> None:
    assert ET.fromstring(render_junit(result)).find(f".//{tag}") is not None


@pytest.mark.parametrize("text", [EVIL, "\ud800]]>&", "x" * 10_000_000])
def test_junit_stays_xml_whatever_it_has_to_say(text: str) -> None:
    document = render_junit(attacked(text))
    ET.fromstring(document)
    assert len(document) < 2_000_000


def test_markdown_lets_no_attack_out_of_its_cell() -> None:
    text = render_markdown(attacked())
    outside = "".join(text.split("```")[::2])
    assert "<script" not in outside
    assert "<img" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| &lt;script")]
    assert rows
    assert all(line.count(" | ") - line.count("\\|") <= 9 for line in rows)


@pytest.mark.parametrize("result", [crowded(), attacked("<|`" * 3_000_000)], ids=["rows", "texts"])
def test_markdown_stays_small_with_what_fails(result: Result) -> None:
    text = render_markdown(result)
    assert len(text.encode()) < MOST_BYTES + 200
    assert "## What does not pass" in text


def test_markdown_starts_with_the_verdict_and_its_sentence() -> None:
    lines = render_markdown(failing_result()).splitlines()
    assert lines[0] == "# ✕ FAIL: The witnesses do not agree"
    assert "observed service 401, prometheus 401, database 404" in lines[2]


def test_files_are_written_whole_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    (tmp_path / "report.html").write_text("an older one")
    assert render_all(good_result(), tmp_path) == tmp_path / "report.html"
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "junit.xml",
        "report.html",
        "summary.md",
    ]
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_the_jobs_summary_is_appended_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "step.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    render_all(good_result(), tmp_path)
    assert summary.read_text() == "before\n" + (tmp_path / "summary.md").read_text()


def test_a_summary_that_cannot_be_appended_to_costs_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "step.md"))
    assert render_all(good_result(), tmp_path).exists()
    assert "could not be appended" in caplog.text


def test_importing_the_reports_is_cheap() -> None:
    heavy = "{'pandas', 'locust', 'sqlalchemy', 'httpx'}"
    modules = "sys, reports.render, reports.terminal"
    code = f"import {modules}; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_thousand_findings_are_a_thousand_cases() -> None:
    many = tuple(finding(str(each), Kind.USAGE) for each in range(1000))
    root = ET.fromstring(render_junit(good_result(findings=many)))
    assert root.get("tests") == "1000"
