"""The suite of checks, in order, and the one result that comes of it."""

import logging
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from checks.availability import judge_availability
from checks.balance.client import client_total
from checks.balance.not_asked import judge_not_asked
from checks.balance.origins import origins_of
from checks.balance.rests_on import rests_on
from checks.balance.usage import judge_usage
from checks.case import Case, DrivenProfile, read_case
from checks.evidence import judge_evidence, unreadable_evidence
from checks.failures import failures_of
from checks.health import judge_health
from checks.history.regression import judge_regression
from checks.history.store import history_of, profile_of
from checks.judgement import Judgement
from checks.latency import judge_latency
from checks.local_stack import excuse_services
from checks.observations import Deployment, Generator, StepTiming
from checks.promql import judge_promql
from checks.result import Finding, Kind, Phase, Result, finding_id, verdict_of
from checks.result_document import render_result
from checks.server_latency.judge import judge_server_latency
from checks.streams import stream_events
from checks.success import completed, judge_success
from checks.throughput import judge_throughput
from checks.validity import generator_figures, judge_validity
from checks.verdict import Verdict
from config.errors import ConfigError
from scenarios.evidence.exchange import Exchange
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.files import write_atomically
from scenarios.evidence.ledger import ledger_of
from scenarios.evidence.run_folder import Run, RunFolder, Stage
from scenarios.language.amounts import (
    constant_counts,
    entries_of,
    in_units,
    recorded_entries,
    resolution_of,
)
from scenarios.language.extents import runs_of
from scenarios.language.shares import divided
from witnesses.figure import Amount
from witnesses.health.status import read_statuses
from witnesses.model import Moment
from witnesses.prometheus.collection import CollectionRecord

Suite = tuple[tuple[Kind, Callable[[Case], Judgement]], ...]

# Findings stand in result.json in this order; the banner ranks them by reports.views.kinds.
SUITE: Suite = (
    (Kind.HEALTH, judge_health),
    (Kind.SUCCESS, judge_success),
    (Kind.LATENCY, judge_latency),
    (Kind.LATENCY, judge_regression),
    (Kind.SERVER_LATENCY, judge_server_latency),
    (Kind.THROUGHPUT, judge_throughput),
    (Kind.USAGE, judge_usage),
    (Kind.PROMQL, judge_promql),
    (Kind.VALIDITY, judge_validity),
)

# Of a run that was interrupted before its first request: there is nothing else to judge.
SETUP_SUITE: Suite = ((Kind.VALIDITY, judge_validity),)

# A load of plain Locust asks nobody: journeys and response times are all there is to judge.
PLAIN_SUITE: Suite = (
    (Kind.SUCCESS, judge_success),
    (Kind.LATENCY, judge_latency),
    (Kind.LATENCY, judge_regression),
    (Kind.THROUGHPUT, judge_throughput),
    (Kind.USAGE, judge_not_asked),
    (Kind.VALIDITY, judge_validity),
)

# A watch asks no witness but its probes, so that it has nothing to balance.
WATCH_SUITE: Suite = (
    (Kind.AVAILABILITY, judge_availability),
    (Kind.SUCCESS, judge_success),
    (Kind.LATENCY, judge_latency),
)

_MOST_STEPS = 200  # of an iteration that is shown

_log = logging.getLogger(__name__)


def judge(folder: RunFolder, suite: Suite | None = None) -> Result:
    """Judge a run by its evidence alone, and write its result. Raises ConfigError.

    Evidence that changed since the run proves nothing, and nothing else is judged by it.
    """
    run = folder.read_run()
    changed = judge_evidence(folder, run)
    result = _unjudged(run, changed) if changed else _judged(folder, run, suite)
    write_atomically(folder.result, render_result(result).encode())
    return result


def _judged(folder: RunFolder, run: Run, suite: Suite | None) -> Result:
    try:
        case = read_case(folder)
        judges = suite or _suite_of(run)
        judgements = [_judge_safely(kind, judge, case) for kind, judge in judges]
        if any(part.is_supervisor for part in run.lost):
            judgements = [excuse_services(each) for each in judgements]
        return _result(case, judgements)
    except (ConfigError, OSError):
        raise
    except Exception as error:
        _log.exception("the evidence cannot be judged")
        return _unjudged(run, unreadable_evidence(error))


def _unjudged(run: Run, finding: Finding) -> Result:
    """Return the result of a run of which nothing is known but its record."""
    return Result(
        run_id=run.run_id, verdict=finding.verdict, environment=run.environment,
        scenario=run.scenario, profile=profile_of(run), started_at=run.started_at,
        finished_at=run.finished_at or run.started_at, findings=(finding,), usage=(), latency=(),
        generator=Generator(None, None, None, None), versions=run.versions, partial=True,
        interruption=run.early_end, repeat=run.repeat, services=run.services,
        scenario_sha256=run.scenario_sha256, fault=run.fault,
    )  # fmt: skip


def _suite_of(run: Run) -> Suite:
    if run.watch:
        return WATCH_SUITE
    if not run.asks_witnesses:
        return PLAIN_SUITE
    end = run.early_end
    return SETUP_SUITE if end and end.stage is Stage.SETUP and not run.phases else SUITE


def _judge_safely(kind: Kind, judge_kind: Callable[[Case], Judgement], case: Case) -> Judgement:
    """Turn a crash of a judge into an inconclusive finding; its traceback goes to the log."""
    try:
        return judge_kind(case)
    except Exception as error:
        _log.exception("the check %s crashed", kind)
        observed = f"the check crashed: {type(error).__name__}: {error}"
        finding = Finding(
            finding_id(kind, "crashed"), f"{kind} check", kind, Verdict.INCONCLUSIVE, "a verdict",
            observed,
        )  # fmt: skip
        return Judgement((finding,))


def _result(case: Case, judgements: list[Judgement]) -> Result:
    findings = tuple(finding for each in judgements for finding in each.findings)
    run, kept = case.run, history_of(case.folder)
    usage = tuple(row for each in judgements for row in each.usage)
    return Result(
        run_id=run.run_id, verdict=verdict_of(findings), environment=run.environment,
        scenario=run.scenario, profile=profile_of(run),
        started_at=run.started_at, finished_at=run.finished_at or run.started_at,
        findings=findings,
        usage=usage, rests_on=rests_on(usage),
        relations=tuple(row for each in judgements for row in each.relations),
        latency=tuple(row for each in judgements for row in each.latency),
        server_latency=tuple(row for each in judgements for row in each.server_latency),
        availability=tuple(row for each in judgements for row in each.availability),
        generator=generator_figures(case),
        versions=run.versions,
        phases=tuple(_phase(case, driven) for driven in case.driven),
        waterfall=_waterfall(case),
        failures=failures_of(case),
        streams=stream_events(case),
        partial=run.early_end is not None or run.finished_at is None,
        interruption=run.early_end,
        repeat=run.repeat, services=run.services, scenario_sha256=run.scenario_sha256,
        fault=run.fault, machine=kept.machine, history=kept.entries, trace_link=run.trace_link,
        deployment=_deployment(case),
        origins=origins_of(case) if not run.watch else (),
    )  # fmt: skip


def _deployment(case: Case) -> Deployment:
    """Return what is known of the deployment: versions after the load, or else before."""
    run = case.run
    versions = {
        name: status.version
        for moment in (Moment.BEFORE, Moment.AFTER)
        for name, status in read_statuses(case.folder, moment).items()
        if status.version
    }
    collection = CollectionRecord() if run.watch else case.prometheus.collection
    return Deployment(
        versions, run.prometheus, collection.interval_s or None, run.databases, run.commit,
        collection.version, collection.settling_s or None, run.apis,
    )  # fmt: skip


def _phase(case: Case, driven: DrivenProfile) -> Phase:
    ledger = ledger_of(case.scenario, driven.exchanges)
    counts = {
        name: client_total(ledger, name, resolution_of(case.scenario, name))
        for name in dict.fromkeys(entry.quantity for step in case.scenario.steps
                                  for entry in entries_of(step))
    }  # fmt: skip
    exchanges: dict[str, int] = {}
    for _, outcome, _, count in chain.from_iterable(each.tally() for each in driven.exchanges):
        exchanges[outcome] = exchanges.get(outcome, 0) + count
    return Phase(
        profile=driven.phase.profile,
        started_at=driven.phase.started_at,
        finished_at=driven.phase.finished_at or case.run.finished_at or driven.phase.started_at,
        users=driven.profile.virtual_users,
        scheduled=driven.scheduled, completed=completed(driven), dropped=driven.dropped,
        exchanges=exchanges,
        elapsed_s=max((each.end.wall_s for each in driven.recordings if each.end), default=0.0),
        counts=counts,
        planned_counts=_planned(case, driven),
        measured=sum(int(each.iterations.is_complete.sum()) for each in driven.measured),
        model="open" if driven.profile.is_open else "closed",
        target_rate_per_s=driven.profile.max_rate_per_s or None,
        seed=driven.profile.seed or 0 if driven.profile.arrivals == "poisson" else None,
        begun=driven.begun, not_started=driven.not_started,
    )  # fmt: skip


def _planned(case: Case, driven: DrivenProfile) -> dict[str, Amount]:
    """Return what a phase should count, but for what only a run can tell."""
    planned: dict[str, Amount] = {}
    unknown: set[str] = set()
    runs = _planned_runs(case, driven)
    for step in case.scenario.steps:
        times = runs.get(step.step, 0)  # 0 of set-up and teardown, which are in no phase
        for (quantity, _), amount in constant_counts(case.scenario, step):
            resolution = case.quantity(quantity).precision.resolution
            of_all = in_units(amount * (times or 0), resolution)
            planned[quantity] = planned.get(quantity, 0) + of_all
            unknown |= {quantity} if times is None else set()
        unknown |= {entry.quantity for entry in recorded_entries(step)}
    return {name: amount for name, amount in planned.items() if name not in unknown}


def _planned_runs(case: Case, driven: DrivenProfile) -> dict[str, int | None]:
    """Return how often a phase should run each step, by name; None if that depends."""
    flows = case.scenario.shared_flows.values()
    parts = [
        (case.scenario.user_setup, driven.profile.virtual_users),
        *zip(
            (flow.steps for flow in flows),
            divided([flow.share for flow in flows], driven.scheduled),
            strict=True,
        ),
    ]
    return {
        step: times and times * often
        for blocks, often in parts
        for step, times in runs_of(blocks).items()
    }


def _waterfall(case: Case) -> tuple[StepTiming, ...]:
    """Return the steps of the median iteration of the measured phase."""
    if case.measured is None:
        return ()
    steps = _median_iteration(case.measured.measured)[:_MOST_STEPS]
    return tuple(
        StepTiming(each.step, each.sent_s - steps[0].due_s, each.done_s - each.sent_s, each.outcome)
        for each in steps
    )


def _median_iteration(parts: Sequence[Exchanges]) -> list[Exchange]:
    """Return the exchanges of the iteration whose whole time is the median.

    It is one of those that completed, if any did: a refusal at the first step shows no others.
    """
    ended = [np.arange(len(each.iterations)) for each in parts]
    completed = [np.flatnonzero(each.iterations.is_complete) for each in parts]
    kept = completed if any(map(len, completed)) else ended
    if not any(map(len, kept)):
        return []
    all_s = np.concatenate(
        [
            (each.iterations.done_s - each.iterations.due_s)[places]
            for each, places in zip(parts, kept, strict=True)
        ]
    )
    median = int(np.argsort(all_s, kind="stable")[(len(all_s) - 1) // 2])
    # The rows of all generators stand one after the other: go back to the one that has the median.
    generator_of = np.repeat(np.arange(len(parts)), [len(places) for places in kept])
    exchanges, place = parts[generator_of[median]], np.concatenate(kept)[median]
    return list(exchanges.of_iteration(exchanges.iterations.first[place]))
