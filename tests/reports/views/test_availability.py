"""The rows of a watch: for how long services were down, and what that cost of the budget."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from checks.result import Finding, Kind, Result
from checks.service_levels import AvailabilityRow, Incident
from checks.verdict import Verdict
from reports.html import render_html
from reports.junit import render_junit
from reports.markdown import render_markdown
from reports.terminal import render_terminal
from reports.terminal_output import TerminalFormat
from reports.views.availability import incident_rows, watch_rows
from reports.views.banner import banner_of
from tests.reports.results import STARTED_AT, good_result

OUTAGE = Incident(
    STARTED_AT + timedelta(seconds=60), STARTED_AT + timedelta(seconds=90.6), 30.627, 0.424,
    "status 502 <script>", 152,
)  # fmt: skip
LASTING = Incident(STARTED_AT + timedelta(seconds=95), None, None, 0.2, "connection refused", 9)


TERMINAL = TerminalFormat(100, "utf-8", colours=False)


def row(service: str, down_s: float, *incidents: Incident) -> AvailabilityRow:
    return AvailabilityRow(
        service=service,
        objective_ratio=0.999,
        ratio=1 - down_s / 600,
        low_ratio=1 - (down_s + 0.4) / 600,
        high_ratio=1 - max(0.0, down_s - 0.4) / 600,
        watched_s=600.0,
        unwatched_s=0.0,
        down_s=down_s,
        down_low_s=max(0.0, down_s - 0.4),
        down_high_s=down_s + 0.4,
        budget_s=0.6,
        probes=1_200,
        failed=152 if incidents else 0,
        incidents=incidents,
        verdict=Verdict.FAIL if incidents else Verdict.PASS,
    )


def watched(*rows: AvailabilityRow) -> Result:
    findings = tuple(
        Finding(f"availability/{each.service}", f"availability of {each.service}",
                Kind.AVAILABILITY, each.verdict, "99.9 %",
                "94.90 %", "Budget 0.600 s.")
        for each in rows
    )  # fmt: skip
    kept = tuple(each for each in good_result().findings if each.kind is Kind.LATENCY)
    verdict = Verdict.FAIL if any(each.incidents for each in rows) else Verdict.PASS
    return replace(good_result(verdict=verdict, findings=(*findings, *kept)), usage=(),
                   availability=rows)  # fmt: skip


BAD = watched(row("cards", 0.0), row("onboarding", 30.627, OUTAGE, LASTING))


def test_what_was_away_stands_first_with_what_it_overspent() -> None:
    first, second = watch_rows(BAD)
    assert (first.service, first.ratio, first.down) == ("onboarding", "94.90 %", "30.627 s")
    assert (first.budget, first.left) == ("0.600 s", "overspent by 30.027 s")
    assert first.failed == "152 of 1,200"
    assert (second.ratio, second.left) == ("100.00 %", "0.600 s")


def test_the_latest_incident_stands_first_and_one_that_lasts_has_no_end() -> None:
    latest, earlier = incident_rows(BAD)
    assert (latest.ended, latest.lasted) == ("it lasts", "no data")
    assert (earlier.began, earlier.ended) == ("2026-11-22 17:51:00 UTC", "2026-11-22 17:51:30 UTC")
    assert (earlier.lasted, earlier.uncertain) == ("30.627 s", "± 0.424 s")


def test_the_first_gate_is_the_service_that_was_away_the_longest() -> None:
    banner = banner_of(BAD)
    gate = banner.gates[0]
    assert (gate.name, gate.subject, gate.verdict) == ("Availability", "onboarding", Verdict.FAIL)
    assert gate.text == "onboarding 94.90 % of 99.90 %"
    assert banner.title == "Down for longer than allowed"
    assert banner.section == "availability"


@pytest.mark.parametrize(
    "render",
    [render_html, render_markdown, lambda result: render_terminal(result, None, TERMINAL)],
    ids=["page", "summary", "terminal"],
)
def test_every_rendering_tells_of_the_outage_and_escapes_what_came(
    render: Callable[[Result], str],
) -> None:
    text = render(BAD)
    assert "30.627 s" in text
    assert "94.90 %" in text
    assert "overspent by 30.027 s" in text
    if render in (render_html, render_markdown):
        assert "<script>" not in text
    assert "30.627 s" not in render(watched(row("cards", 0.0)))


def test_a_watch_says_that_it_balances_nothing() -> None:
    assert "A watch balances no counts: nightly does." in render_html(BAD)
    assert "A watch balances" not in render_html(replace(good_result(), usage=()))


def test_junit_has_a_suite_of_it() -> None:
    assert '<testsuite name="availability"' in render_junit(BAD)
    assert 'id="availability"' not in render_html(good_result())
