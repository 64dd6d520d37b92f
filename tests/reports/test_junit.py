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


def test_the_message_of_a_case_has_the_reason_in_full() -> None:
    failed = ET.fromstring(render_junit(failing_result())).find(".//failure")
    assert failed is not None
    assert failed.get("message") == (
        "usage cards_used: expected 404 by every witness, observed service 401, prometheus 401, "
        "database 404. voice: ledger and database agree; the counter is 3 short."
    )


def test_each_case_has_the_time_that_its_check_is_about() -> None:
    step = finding("step create session", Kind.FLOW, id="flow/create-session")
    success = finding("success", Kind.SUCCESS, id="success/benchmark")
    result = good_result(findings=(*good_result().findings, step, success))
    cases = {each.get("name"): each.get("time")
             for each in ET.fromstring(render_junit(result)).iter("testcase")}  # fmt: skip
    assert cases["latency/iteration/p95"] == "0.704"
    assert cases["flow/create-session"] == "0.007"
    assert cases["success/benchmark"] == "9.877"
    assert cases["usage/sessions"] == "0.000"
    assert None not in cases.values()


def test_a_run_without_findings_has_the_time_of_the_run() -> None:
    case = ET.fromstring(render_junit(empty_result())).find(".//testcase")
    assert case is not None
    assert case.get("time") == "60.000"


def test_junit_has_one_suite_a_kind_in_order() -> None:
    result = good_result()
    throughput = finding("throughput iteration", Kind.THROUGHPUT)
    server = finding("server latency use p95", Kind.SERVER_LATENCY)
    result = replace(result, findings=(throughput, server, *result.findings))
    root = ET.fromstring(render_junit(result))
    kinds = [kind for kind in Kind if kind is not Kind.AVAILABILITY]  # which is a watch's
    assert [suite.get("name") for suite in root] == kinds


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


@pytest.mark.parametrize("text", [EVIL, "\ud800]]>&", "x" * 1_000_000])
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
