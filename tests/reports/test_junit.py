"""Tests of the JUnit document."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from checks.result import Kind, Result
from checks.verdict import Verdict
from reports.junit import render_junit
from tests.reports.attacks import CONTROL, EVIL, attacked, control_in
from tests.reports.results import empty_result, failing_result, finding, good_result

GOLDEN = Path(__file__).parent / "golden"
REPORT = Path("runs/20261122-175000-7f3a/report.html")


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
    result = good_result()
    throughput = finding("throughput iteration", Kind.THROUGHPUT)
    result = replace(result, findings=(throughput, *result.findings))
    root = ET.fromstring(render_junit(result))
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


def test_a_thousand_findings_are_a_thousand_cases() -> None:
    many = tuple(finding(str(each), Kind.USAGE) for each in range(1000))
    root = ET.fromstring(render_junit(good_result(findings=many)))
    assert root.get("tests") == "1000"


def test_no_control_character_of_a_foreign_string_is_rendered() -> None:
    text = render_junit(attacked(CONTROL))
    assert "a\ufffd[31mb\ufffdc\ufffd2Jd\ufffde\ufffdf\ufffdg" in text
    assert control_in(text) == set()
