from dataclasses import replace
from pathlib import Path

from checks.balance.not_asked import judge_not_asked
from checks.case import read_case
from checks.result import Code, Kind, Result
from checks.suite import judge
from checks.verdict import Verdict
from reports.html import render_html
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.views.banner import banner_of
from reports.views.kinds import GateName
from tests.evidence_factory import REFUSED, SCENARIO, Load, case_of, write_run

LEAD = "Journeys and response times pass; usage was not judged"
UNCOUNTED = """
scenario: shop
flow:
  - {step: open, request: POST shop /open}
  - {step: use, request: POST shop /use}
profiles:
  load: {users: 1, iterations: 4}
"""
REMEDY = "Plain Locust asks no witness: run.py load drives the same scenario"


def plain(place: Path, load: Load) -> Result:
    folder = write_run(place, load)
    folder.write_run(replace(folder.read_run(), asks_witnesses=False))
    return judge(folder)


def test_one_finding_says_that_no_witness_was_asked(tmp_path: Path) -> None:
    (finding,) = judge_not_asked(case_of(tmp_path, Load())).findings
    assert (finding.id, finding.code) == ("usage/witnesses", Code.NOT_ASKED)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.expected.startswith("a balance of uses")


def test_a_scenario_that_balances_nothing_lacks_nothing(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load(), scenario=UNCOUNTED)
    assert judge_not_asked(read_case(folder)).findings == ()


def test_a_scenario_that_names_no_quantity_to_judge_balances_all(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("  usage: [uses, visits]\n", "")
    folder = write_run(tmp_path, Load(), scenario=scenario)
    (finding,) = judge_not_asked(read_case(folder)).findings
    assert finding.expected == "a balance of uses, visits"


def test_a_limit_on_a_histogram_needs_a_witness_too(tmp_path: Path) -> None:
    limit = "checks: {server_latency: [{histogram: took_seconds, p95: 1s}]}\n"
    folder = write_run(tmp_path, Load(), scenario=UNCOUNTED + limit)
    (finding,) = judge_not_asked(read_case(folder)).findings
    assert (finding.verdict, finding.expected) == (
        Verdict.INCONCLUSIVE, "limits on histograms of services",
    )  # fmt: skip


def test_a_load_that_asks_nobody_judges_neither_health_nor_what_witnesses_need(
    tmp_path: Path,
) -> None:
    result = plain(tmp_path, Load())
    kinds = {each.kind for each in result.findings}
    assert not kinds & {Kind.HEALTH, Kind.PROMQL}
    open_ones = [each.id for each in result.findings if each.verdict is not Verdict.PASS]
    assert open_ones == ["usage/witnesses"]
    assert result.usage == ()


def test_every_rendering_leads_with_journeys_and_response_times_and_the_remedy(
    tmp_path: Path,
) -> None:
    result = plain(tmp_path, Load())
    banner = banner_of(result)
    assert banner.title == LEAD
    assert banner.sentence.startswith("4 of 4 iterations; ")
    assert " p95 0." in banner.sentence
    assert [gate.figure for gate in banner.gates if gate.name is GateName.USAGE] == ["not judged"]
    terminal = render_terminal(result, None, TerminalFormat(400, "utf-8", colours=False))
    assert REMEDY in render_junit(result)
    for text in (render_html(result), render_markdown(result), terminal):
        assert LEAD in text
        assert REMEDY in text
    assert "No usage was counted" not in render_html(result)


def test_what_fails_leads_though_usage_was_not_judged(tmp_path: Path) -> None:
    result = plain(tmp_path, Load((REFUSED,) * 4))
    assert result.verdict is Verdict.FAIL
    assert banner_of(result).title == "Requests failed"
