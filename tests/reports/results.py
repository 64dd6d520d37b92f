"""A good result, and ways to spoil it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.balance.rests_on import rests_on
from checks.observations import Failure, FailureSample, Generator, QuantityOrigin, StepTiming
from checks.result import (
    ClientFigure,
    Code,
    Finding,
    Kind,
    Phase,
    Result,
    UsageRow,
    finding_id,
)
from checks.service_levels import LatencyRow, Objective
from checks.verdict import Verdict
from witnesses.figure import Figure, Reason
from witnesses.model import Source

STARTED_AT = datetime(2026, 11, 22, 17, 50, 0, tzinfo=UTC)
TARGET_S = 2.5
CARD_TYPES = ("company", "audience", "voice", "insight")
WITNESSES = ("service", "prometheus", "database:shop")


def usage_row(quantity: str, count: int, **changes: Any) -> UsageRow:
    """Make a row in which every witness has the same figure."""
    good = UsageRow(
        quantity=quantity,
        labels={},
        client=ClientFigure(count, 0),
        figures=figures(count, count, count),
        verdict=Verdict.PASS,
    )
    return replace(good, **changes)


def figures(*values: float | Figure) -> dict[str, Figure]:
    """Make the figures of the first witnesses, numbers being exact."""
    return {
        name: value if isinstance(value, Figure) else Figure.exact(float(value))
        for name, value in zip(WITNESSES, values, strict=False)
    }


def objective(percentile: float, limit_s: float, measured_s: float, **changes: Any) -> Objective:
    """Make a limit that is met, with a proof."""
    good = Objective(
        percentile=percentile,
        limit_s=limit_s,
        measured_s=measured_s,
        low_s=measured_s * 0.96,
        high_s=measured_s * 1.05,
        over_low=0,
        over_high=0,
        allowed=5,
        proven=True,
        verdict=Verdict.PASS,
        count=100,
    )
    return replace(good, **changes)


def latency_row(step: str, p95_s: float, **changes: Any) -> LatencyRow:
    """Make a step whose three limits are met."""
    good = LatencyRow(
        step=step,
        count=100,
        unanswered=0,
        p50=p95_s * 0.6,
        p95=p95_s,
        p99=p95_s * 1.2,
        max=p95_s * 1.3,
        p95_low=p95_s * 0.96,
        p95_high=p95_s * 1.05,
        over_target=0,
        objectives=(
            objective(50.0, 0.5, p95_s * 0.6),
            objective(95.0, TARGET_S, p95_s),
            objective(99.0, 5.0, p95_s * 1.2, high_s=None, proven=False),
        ),
    )
    return replace(good, **changes)


def finding(title: str, kind: Kind, **changes: Any) -> Finding:
    """Make a finding that passes; its id is made of its title."""
    id_ = finding_id(*title.split())
    if kind is Kind.LATENCY and title.startswith("latency "):
        step, _, percentile = title.removeprefix("latency ").rpartition(" ")
        id_ = finding_id("latency", step, percentile)
    good = Finding(id_, title, kind, Verdict.PASS, "as expected", "as expected")
    return replace(good, **changes)


def phase(profile: str, users: int, iterations: int) -> Phase:
    """Make a phase in which everything planned was done."""
    planned = {"cards_created": 4 * iterations, "cards_used": 4 * iterations}
    return Phase(
        profile=profile,
        started_at=STARTED_AT,
        finished_at=STARTED_AT + timedelta(seconds=10),
        users=users,
        scheduled=iterations,
        completed=iterations,
        dropped=0,
        exchanges={"ok": 3 * iterations},
        elapsed_s=9.87654,
        counts={name: ClientFigure(count, 0) for name, count in planned.items()},
        planned_counts=dict(planned),
    )


def good_result(**changes: Any) -> Result:
    """Make a nightly run in which everything held."""
    result = Result(
        run_id="20261122-175000-7f3a",
        verdict=Verdict.PASS,
        environment="local",
        scenario="usage-tracking",
        profile="benchmark",
        started_at=STARTED_AT,
        finished_at=STARTED_AT + timedelta(minutes=1),
        findings=_findings(),
        usage=_usage(),
        latency=(
            latency_row("create session", 0.0123456),
            latency_row("submit answers", 0.2345678),
            latency_row("execute workflow", 0.4567891),
            latency_row("iteration", 0.7037025, objectives=(objective(95.0, 2.5, 0.7037025),)),
        ),
        generator=Generator(0.41, 0.0021, 0.0123, 0.003),
        versions={"trial-balance": "0.1.0", "python": "3.11.7", "locust": "2.47.0"},
        phases=(phase("e2e", 1, 1), phase("benchmark", 10, 100)),
        waterfall=(
            StepTiming("create session", 0.0, 0.0098, "ok"),
            StepTiming("submit answers", 0.0101, 0.2012, "ok"),
            StepTiming("execute workflow", 0.2115, 0.4021, "ok"),
        ),
        repeat="./run.py nightly --env local --scenario usage-tracking",
        services={"cards": "http://127.0.0.1:8002", "onboarding": "http://127.0.0.1:8001"},
        scenario_sha256="51d0" * 16,
        origins=_origins(),
    )
    changed = replace(result, **changes)
    return replace(changed, rests_on=changes.get("rests_on", rests_on(changed.usage)))


def failing_result() -> Result:
    """Make a run in which the counter lost three uses of the voice card."""
    result = good_result(verdict=Verdict.FAIL, fault="lost_count")
    lost = usage_row(
        "cards_used",
        101,
        labels={"card_type": "voice"},
        figures=figures(98, 98, 101),
        verdict=Verdict.FAIL,
        code=Code.LOST_COUNT,
    )
    unseen = usage_row(
        "sessions",
        101,
        client=ClientFigure(98, 3),
        figures=figures(101, Figure.void(Reason.NOT_SCRAPED_AFTER, "down for 45 s"), 101),
        verdict=Verdict.INCONCLUSIVE,
        code=Code.SCRAPE_GAP,
    )
    rows = [lost if each.labels == lost.labels and each.quantity == "cards_used" else each
            for each in result.usage]  # fmt: skip
    rows = [unseen if each.quantity == "sessions" else each for each in rows]
    findings = [_spoilt(each) for each in result.findings]
    return replace(
        result, usage=tuple(rows), findings=tuple(findings), failures=(failure(),),
        rests_on=rests_on(rows),
    )  # fmt: skip


def failure(**changes: Any) -> Failure:
    """Make a group of exchanges that failed alike."""
    good = Failure(
        step="execute workflow",
        outcome="rejected",
        reason="status 503, expected 200",
        count=2,
        step_count=101,
        first_at=STARTED_AT + timedelta(seconds=11),
        last_at=STARTED_AT + timedelta(seconds=48),
        samples=(failure_sample(11), failure_sample(48)),
    )
    return replace(good, **changes)


def failure_sample(at_s: int = 11, **changes: Any) -> FailureSample:
    """Make one exchange that failed."""
    good = FailureSample(
        sent_at=STARTED_AT + timedelta(seconds=at_s),
        duration_s=0.0123,
        status=503,
        reason="status 503, expected 200",
        trace_id=f"20261122-175000-7f3a-{206 + at_s:06}",
        request="POST http://127.0.0.1:8003/api/v1/workflows/execute",
        response_snippet='{"error": "upstream model timed out"}',
        repeat="curl -sS -X POST http://127.0.0.1:8003/api/v1/workflows/execute "
        '-H "authorization: Bearer $TOKEN"',
    )
    return replace(good, **changes)


def empty_result(verdict: Verdict = Verdict.INCONCLUSIVE) -> Result:
    """Make a run of which nothing is known."""
    return good_result(
        verdict=verdict,
        findings=(),
        usage=(),
        latency=(),
        generator=Generator(None, None, None, None),
        versions={},
        phases=(),
        waterfall=(),
        partial=True,
        repeat="",
        services={},
        scenario_sha256="",
    )


def _spoilt(each: Finding) -> Finding:
    if each.title == "usage cards_used":
        return replace(
            each,
            verdict=Verdict.FAIL,
            expected="404 by every witness",
            observed="service 401, prometheus 401, database 404",
            detail="voice: ledger and database agree; the counter is 3 short.",
            code=Code.LOST_COUNT,
        )
    if each.title == "usage sessions":
        return replace(
            each,
            verdict=Verdict.INCONCLUSIVE,
            expected="98 to 101 by every witness",
            observed="prometheus no data",
            code=Code.SCRAPE_GAP,
        )
    return each


def _findings() -> tuple[Finding, ...]:
    steps = ("create session", "submit answers", "execute workflow")
    limits = [(step, name) for step in steps for name in ("p50", "p95", "p99")]
    return (
        finding("cards is healthy", Kind.HEALTH, expected="status 200", observed="status 200"),
        finding("onboarding is healthy", Kind.HEALTH, expected="status 200", observed="status 200"),
        finding("e2e", Kind.FLOW, expected="3 of 3 steps", observed="3 of 3 steps"),
        finding("success rate", Kind.SUCCESS, expected="100.00 %", observed="100.00 %"),
        *(finding(f"latency {step} {name}", Kind.LATENCY) for step, name in limits),
        finding("latency iteration p95", Kind.LATENCY, expected="≤ 2.500 s", observed="0.704 s"),
        *(finding(f"usage {name}", Kind.USAGE)
          for name in ("sessions", "cards_created", "cards_used", "batch_requests")),
        finding("server latency execute workflow p95", Kind.SERVER_LATENCY,
                expected="at least 95 % within 2.5 s",
                observed="service 97.4 % of 1,000; client 95.1 % of 1,000"),
        finding("few errors", Kind.PROMQL, expected="<= 3", observed="1"),
        finding("the run balances", Kind.VALIDITY, expected="101 iterations",
                observed="101 done + 0 dropped"),
        finding("generator CPU", Kind.VALIDITY, expected="≤ 80.00 %", observed="41.00 %"),
    )  # fmt: skip


def _usage() -> tuple[UsageRow, ...]:
    by_type = [
        usage_row(quantity, 101, labels={"card_type": card_type})
        for quantity in ("cards_created", "cards_used")
        for card_type in CARD_TYPES
    ]
    shared = [usage_row(name, 101, figures=figures(101, 101))
              for name in ("batch_requests", "retrieve_requests")]  # fmt: skip
    fetched = [usage_row(name, 404, labels={"workflow_type": "linkedin_post"})
               for name in ("cards_fetched", "executions", "contents")]  # fmt: skip
    return (usage_row("sessions", 101), *by_type, *fetched, *shared)


def _origins() -> tuple[QuantityOrigin, ...]:
    selector, query = 'cards_used_total{tenant="t"}', "SELECT card_type, count(*) FROM card_usage"
    sources = {
        "service": Source((("cards", "http://127.0.0.1:8002/metrics"),), selector),
        "prometheus": Source((("cards", "127.0.0.1:8002"),), selector),
        "database:shop": Source((("shop", ""),), query),
    }
    return (QuantityOrigin("cards_used", ("execute workflow",), sources),)
