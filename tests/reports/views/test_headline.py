from dataclasses import replace
from typing import Any

import pytest

from checks.result import RUN_COMPLETE, Code, Finding, Kind, Result
from checks.verdict import Verdict
from reports.annotations import render_annotations
from reports.html import render_html
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.views.banner import banner_of
from reports.views.headline import deciding_finding, open_findings, reason_of
from scenarios.evidence.run_folder import Cause, Interruption, Stage
from tests.reports.attacks import CONTROL, control_in
from tests.reports.results import finding, good_result

_REASON = "execute workflow: status 503, expected 200 (12 of 100)"
_OBSERVED = "88 of 100 as expected; 12 rejected: status 503, expected 200 (first at 17:50:11 UTC)"


def _result(verdict: Verdict, *kinds: Kind, **changes: object) -> Result:
    bad = [finding(f"bad {kind}", kind, verdict=verdict) for kind in kinds]
    return replace(good_result(verdict=verdict, findings=tuple(bad)), **changes)  # type: ignore[arg-type]


def _decides(verdict: Verdict, *kinds: Kind) -> Kind | None:
    deciding = deciding_finding(_result(verdict, *kinds))
    return deciding.kind if deciding else None


@pytest.mark.parametrize("kind", [Kind.FLOW, Kind.SUCCESS, Kind.USAGE])
def test_correctness_stands_before_latency(kind: Kind) -> None:
    assert _decides(Verdict.FAIL, Kind.LATENCY, kind) is kind


@pytest.mark.parametrize("kind", [Kind.FLOW, Kind.SUCCESS, Kind.USAGE, Kind.LATENCY, Kind.PROMQL])
def test_a_precondition_stands_before_what_it_makes_inconclusive(kind: Kind) -> None:
    assert _decides(Verdict.INCONCLUSIVE, kind, Kind.VALIDITY) is Kind.VALIDITY
    assert _decides(Verdict.INCONCLUSIVE, kind, Kind.VALIDITY, Kind.HEALTH) is Kind.HEALTH


def test_an_interruption_stands_before_all_that_was_not_seen() -> None:
    result = _result(Verdict.INCONCLUSIVE, Kind.HEALTH, Kind.VALIDITY)
    stop = replace(finding("run complete", Kind.VALIDITY), id=RUN_COMPLETE, observed="any words",
                   verdict=Verdict.INCONCLUSIVE)  # fmt: skip
    findings = (*result.findings, stop)
    interruption = Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT")
    stopped = replace(result, findings=findings, partial=True, interruption=interruption)
    assert deciding_finding(stopped) is stop
    assert banner_of(stopped).headline == "Any words"
    assert deciding_finding(replace(result, findings=findings)) is not stop


def test_open_findings_begin_with_the_one_that_decides() -> None:
    result = _result(Verdict.INCONCLUSIVE, Kind.USAGE, Kind.VALIDITY, Kind.LATENCY)
    assert open_findings(result)[0] is deciding_finding(result)
    assert len(open_findings(result)) == 3


def test_a_reason_is_the_findings_own_or_what_was_observed() -> None:
    lost = finding("usage uses", Kind.USAGE, verdict=Verdict.FAIL, observed="service 9",
                   code=Code.LOST_COUNT)  # fmt: skip
    assert reason_of(lost) == "usage uses: LOST_COUNT, service 9"
    assert reason_of(replace(lost, reason="any words")) == "any words"
    assert reason_of(replace(lost, verdict=Verdict.PASS)) == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.VALIDITY, "shop: metrics: status 404; Correct metrics: in the environment."),
        (Kind.HEALTH, "shop: metrics: status 404; Correct metrics: in the environment."),
        (Kind.LATENCY, "shop: metrics: status 404"),
    ],
)
def test_the_reason_of_a_precondition_has_its_remedy(kind: Kind, words: str) -> None:
    failed = finding("shop: metrics", kind, verdict=Verdict.INCONCLUSIVE, observed="status 404",
                     detail="Correct metrics: in the environment.")  # fmt: skip
    assert reason_of(failed) == words


def _rejected() -> Finding:
    return finding("step execute workflow", Kind.FLOW, verdict=Verdict.FAIL, observed=_OBSERVED,
                   reason=_REASON)  # fmt: skip


def _failed() -> Result:
    return good_result(verdict=Verdict.FAIL, findings=(*good_result().findings, _rejected()))


def test_the_reason_is_in_the_first_line_of_the_terminal() -> None:
    text = render_terminal(_failed(), None, TerminalFormat(120, "utf-8", colours=False))
    first = next(line for line in text.splitlines() if line.strip())
    assert first == f"FAIL  Requests failed: {_REASON}"


def test_the_reason_is_in_the_message_of_junit() -> None:
    assert f"observed {_OBSERVED}" in render_junit(_failed())


def test_the_reason_is_in_the_first_annotation() -> None:
    first = render_annotations(_failed()).splitlines()[0]
    assert "status 503, expected 200" in first


def test_the_reason_is_in_the_headline_and_the_first_table_of_the_summary() -> None:
    head, table = render_markdown(_failed()).split("| Gate |")
    assert _REASON in head
    row = next(line for line in table.splitlines() if line.startswith("| Flow |"))
    assert row.endswith(f"| {_REASON} |")


def test_the_reason_is_in_the_banner_of_the_page() -> None:
    assert f'<p class="sentence">{_REASON}.' in render_html(_failed())


def test_a_gate_that_passes_has_no_reason() -> None:
    assert {each.reason for each in banner_of(good_result()).gates} == {""}
    assert banner_of(good_result()).headline == "Every check passed"


@pytest.mark.parametrize(
    "found",
    [
        {"reason": CONTROL},
        {"reason": "", "observed": CONTROL, "kind": Kind.USAGE},
        {"reason": "", "detail": CONTROL, "kind": Kind.HEALTH},
    ],
    ids=["reason", "observed", "remedy"],
)
def test_no_control_character_is_in_a_reason(found: dict[str, Any]) -> None:
    bad = replace(finding("bad", Kind.FLOW, verdict=Verdict.FAIL), **found)
    assert "a\ufffd[31mb" in reason_of(bad)
    assert control_in(reason_of(bad)) == set()
