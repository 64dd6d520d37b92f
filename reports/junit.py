"""JUnit XML: one suite per kind, one case per finding."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from checks.latency import objective_id
from checks.result import Finding, Kind, Result, finding_id, verdict_of
from checks.verdict import Verdict
from checks.wording import listed
from reports.formatting import clean, one_line
from reports.views.banner import banner_of
from reports.views.sections import environment_rows

_TAGS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error"}


def render_junit(result: Result) -> str:
    """Render JUnit's XML: fail is a failure, inconclusive an error, and nothing is skipped.

    If the findings alone look better than the run's verdict, a case of its own shows it.
    """
    root = ET.Element("testsuites", name="trial-balance")
    times_s = measured_times_s(result)
    basis = {finding_id("usage", name): names for name, names in result.rests_on.items()}
    for kind in Kind:
        findings = [each for each in result.findings if each.kind is kind]
        if findings:
            cases = [
                _case(result, each, times_s.get(each.id, 0.0), basis.get(each.id, ()))
                for each in findings
            ]
            _add_suite(root, result, kind, cases)
    if verdict_of(result.findings) is not result.verdict or not result.findings:
        _add_suite(root, result, "run", [_run_case(result)])
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{(result.finished_at - result.started_at).total_seconds():.3f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add_suite(root: ET.Element, result: Result, name: str, cases: Iterable[ET.Element]) -> None:
    suite = ET.SubElement(root, "testsuite", name=name)
    suite.set("timestamp", result.started_at.isoformat(timespec="seconds"))
    properties = ET.SubElement(suite, "properties")
    for label, value in environment_rows(result):
        ET.SubElement(properties, "property", name=clean(label), value=clean(value))
    suite.extend(cases)
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")


def _case(result: Result, finding: Finding, duration_s: float, basis: Sequence[str]) -> ET.Element:
    """Render a finding; `basis` are the witnesses that its pass rests on."""
    case = _bare_case(result, finding.kind, finding.id)
    case.set("time", f"{duration_s:.3f}")
    if basis:
        ET.SubElement(case, "system-out").text = clean(f"rests on {listed(basis)}")
    if finding.verdict in _TAGS:
        summary = f"{finding.title}: expected {finding.expected}, observed {finding.observed}"
        reason = ". ".join(filter(None, [summary, finding.detail]))
        outcome = ET.SubElement(case, _TAGS[finding.verdict], message=one_line(reason))
        outcome.set("type", finding.code or finding.verdict)
        outcome.text = _body(summary, finding.detail, f"Repeat: {result.repeat}")
    return case


def measured_times_s(result: Result) -> dict[str, float]:
    """Return the time that each check is about, in seconds, by the id of its finding.

    Of a limit it is the percentile, of a step the median response time, and of a success rate how
    long the profile was driven. So a CI server's chart of a case's duration shows response times.
    """
    times_s: dict[str, float] = {}
    for row in result.latency:
        times_s.setdefault(finding_id("flow", row.step), row.p50)
        for each in row.objectives:
            times_s.setdefault(objective_id(row.step, each.percentile), each.measured_s)
    for phase in result.phases:
        times_s.setdefault(finding_id("success", phase.profile), phase.elapsed_s)
    return times_s


def _run_case(result: Result) -> ET.Element:
    banner = banner_of(result)
    case = _bare_case(result, "run", "run")
    case.set("time", f"{(result.finished_at - result.started_at).total_seconds():.3f}")
    if result.verdict in _TAGS:
        outcome = ET.SubElement(case, _TAGS[result.verdict], message=clean(banner.headline))
        outcome.set("type", result.verdict)
        outcome.text = _body(banner.headline, *banner.lines, f"Repeat: {result.repeat}")
    return case


def _bare_case(result: Result, kind: str, name: str) -> ET.Element:
    return ET.Element("testcase", classname=clean(f"{result.scenario}.{kind}"), name=clean(name))


def _body(*paragraphs: str) -> str:
    return "\n".join(clean(each) for each in paragraphs if each)
