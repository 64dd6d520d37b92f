"""Tests of the files of a run, against golden files among others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.render import render_all
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from tests.paths import ROOT
from tests.reports.results import empty_result, failing_result, good_result

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
    golden(f"{name}.100.txt", render_terminal(result, REPORT, TerminalFormat(100, "utf-8", False)))
    golden(f"{name}.80.txt", render_terminal(result, REPORT, TerminalFormat(80, "ascii", False)))


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


@pytest.mark.core
@pytest.mark.long
def test_importing_the_reports_is_cheap() -> None:
    heavy = "{'pandas', 'locust', 'sqlalchemy', 'httpx'}"
    modules = "sys, reports.render, reports.terminal"
    code = f"import {modules}; sys.exit(len({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
