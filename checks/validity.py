"""Judge whether the measurement can be trusted: the run adds up, the generator is not saturated."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np

from checks.case import Case, DrivenProfile
from checks.clocks import judge_clocks
from checks.interruption import judge_interruption
from checks.judgement import Judgement
from checks.local_stack import judge_local_stack
from checks.observations import Generator, GeneratorWorker
from checks.result import (
    NOT_SATURATED,
    RUN_COMPLETE,
    Finding,
    Kind,
    finding_id,
)
from checks.saturation import MAX_CPU_RATIO, MAX_LAG_S, MAX_LOOP_DELAY_S, first_busy_period
from checks.stall import longest_stall, on_one_clock
from checks.verdict import Verdict
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.recording import Recording, RecordingEnd, StopReason
from scenarios.evidence.run_folder import Cause

_MAX_MEMORY_MB = 1_000.0
_SHORT_WINDOW_S = 0.5

N = TypeVar("N", int, float)


def judge_validity(case: Case) -> Judgement:
    """Judge whether each phase adds up, the generator was not saturated and the clocks agree."""
    end = case.run.early_end
    interruption = [judge_interruption(case, end)] if end else []
    interruption += [judge_local_stack(case.run.lost)] if case.run.lost else []
    if not case.driven:
        nothing_sent = Finding(
            RUN_COMPLETE, "run complete", Kind.VALIDITY, Verdict.INCONCLUSIVE,
            "every profile driven", _nothing_sent(case),
        )  # fmt: skip
        return Judgement(tuple(interruption) or (nothing_sent,))
    is_stopped = end is not None and end.cause is Cause.SIGNAL
    # Latency is judged on the last phase only: a generator that was busy before does no harm.
    last = case.driven[-1]
    sums = [_balance(driven, is_stopped=is_stopped) for driven in case.driven]
    times = [_pace(last), _stalls(last)]
    if not case.scenario.checks.judge_times:
        times = [_without_effect(each) for each in times]
    findings = [*sums, *interruption, *times]
    return Judgement((*findings, *judge_clocks(case)))


def _nothing_sent(case: Case) -> str:
    failed = any((~each.exchanges.ok).any() for each in case.outside)
    return "the set-up failed, so no load was sent" if failed else "no request was sent"


def bottleneck(driven: DrivenProfile) -> str:
    """Return why the generator, not the SUT, may have set the latency, with the figure; or ""."""
    reason = overload(driven)  # first, since it may be why no user was free
    if not reason and driven.profile.is_open and driven.dropped:
        return (f"{driven.dropped:,} of {driven.scheduled:,} arrivals found none of "
                f"{driven.profile.virtual_users:,} users free")  # fmt: skip
    return reason


def overload(driven: DrivenProfile) -> str:
    """Return which process of the generator could not keep up, and by which figure; or ""."""
    several = len(driven.recordings) > 1
    for recording, exchanges in zip(driven.recordings, driven.measured, strict=True):
        reason = next(_limits_passed(recording, exchanges, driven.profile.is_open), "")
        if reason:
            return f"{recording.start.generator}: {reason}" if several else reason
    return ""


def _limits_passed(recording: Recording, exchanges: Exchanges, is_open: bool) -> Iterator[str]:
    """Yield what one process could not keep up with."""
    end = recording.end
    if end is None or end.wall_s < _SHORT_WINDOW_S:
        return
    if end.cpu_s / end.wall_s > MAX_CPU_RATIO:
        yield f"{end.cpu_s / end.wall_s:.0%} of a core used, at most {MAX_CPU_RATIO:.0%}"
    if busy := first_busy_period(recording):
        begun_at = datetime.fromtimestamp(recording.start.anchor_at + busy.from_s, UTC)
        yield (f"{busy.cpu_ratio:.0%} of a core used from {begun_at:%H:%M:%S} UTC on, for "
               f"{busy.duration_s:.0f} s at least, at most {MAX_CPU_RATIO:.0%}")  # fmt: skip
    if (end.loop_delay_max_s or 0.0) > MAX_LOOP_DELAY_S:
        yield f"its event loop stood for {end.loop_delay_max_s:.3f} s"
    lag_s = _lag_p99_s([exchanges]) if is_open else None
    if lag_s is not None and lag_s > MAX_LAG_S:
        yield f"it sent {lag_s:.3f} s late (p99), at most {MAX_LAG_S:g} s"
    memory_mb = (end.memory_bytes or 0) / 1e6
    if memory_mb > _MAX_MEMORY_MB:
        yield f"{memory_mb:,.0f} MB used, at most {_MAX_MEMORY_MB:,.0f} MB"


def generator_figures(case: Case) -> Generator:
    """Return the health of the generator of the measured phase, in all and by worker."""
    collection = case.prometheus.collection
    skew_s = None if collection.error else collection.skew_s
    driven = case.measured
    workers = tuple(
        _worker_figures(recording, exchanges)
        for recording, exchanges in zip(driven.recordings, driven.measured, strict=True)
        if recording.end
    ) if driven else ()  # fmt: skip
    if driven is None or not workers:
        return Generator(None, None, None, skew_s)
    return Generator(
        cpu_ratio=_most(each.cpu_ratio for each in workers),
        lag_p99_s=_lag_p99_s(driven.measured),
        loop_delay_max_s=_most(each.loop_delay_max_s for each in workers),
        clock_skew_s=skew_s,
        memory_bytes=_most(each.memory_bytes for each in workers),
        workers=workers,
    )


def _worker_figures(recording: Recording, exchanges: Exchanges) -> GeneratorWorker:
    end = recording.end or RecordingEnd(0, 0, 0.0, 0.0)
    return GeneratorWorker(
        name=recording.start.generator,
        cpu_ratio=end.cpu_s / end.wall_s if end.wall_s > 0 else None,
        lag_p99_s=_lag_p99_s([exchanges]),
        loop_delay_max_s=end.loop_delay_max_s,
        memory_bytes=end.memory_bytes,
        started=end.started,
        dropped=end.dropped,
    )


def _most(figures: Iterable[N | None]) -> N | None:
    return max((each for each in figures if each is not None), default=None)


def _lag_p99_s(parts: Iterable[Exchanges]) -> float | None:
    """Return the p99 of how much later than due the iterations' first requests were sent."""
    firsts = (exchanges[exchanges.iterations.first] for exchanges in parts)
    lags_s = [first.column("sent_s") - first.column("due_s") for first in firsts]
    in_order = np.sort(np.concatenate([np.empty(0), *lags_s]))
    # Nearest rank, ceil(0.99 n), in integers.
    return float(in_order[max(0, -(-99 * len(in_order) // 100) - 1)]) if len(in_order) else None


def _balance(driven: DrivenProfile, *, is_stopped: bool) -> Finding:
    """Judge that the scheduled iterations add up, and that every intent has an outcome.

    `is_stopped` if the run was interrupted by a signal: that is a finding of its own.
    """
    errors = [
        *([driven.phase.error] if driven.phase.error else []),
        *_imbalances(driven, is_stopped=is_stopped),
    ]
    begun = sum(len(each.iterations) for each in driven.exchanges)
    observed = f"{driven.scheduled:,} scheduled, {begun:,} begun, {driven.dropped:,} dropped"
    if driven.not_started:
        observed += f", {driven.not_started:,} not started"
    if driven.data_used_up:
        observed += f"; {driven.data_used_up}"
    profile = driven.phase.profile
    return Finding(
        finding_id("validity", "iterations-add-up", profile),
        f"{profile}: iterations add up",
        Kind.VALIDITY,
        Verdict.INCONCLUSIVE if errors else Verdict.PASS,
        "scheduled = begun + dropped + not started, each request with its outcome",
        "; ".join([observed, *errors]),
    )


def _imbalances(driven: DrivenProfile, *, is_stopped: bool) -> Iterator[str]:
    if not driven.recordings:
        yield "the load generator left no recording"
    for recording in driven.recordings:
        yield from _recording_troubles(recording, is_stopped=is_stopped)
    given = [each.start.scheduled for each in driven.recordings]
    missing = driven.scheduled - sum(each or 0 for each in given)
    if driven.recordings and None not in given and missing:
        yield f"{missing:,} iterations were given to no worker that left a recording"


def _recording_troubles(recording: Recording, *, is_stopped: bool) -> Iterator[str]:
    begun, scheduled = len(recording.exchanges.iterations), recording.start.scheduled
    name, end = recording.start.generator, recording.end
    if end is None:
        yield f"the generator {name} did not end by itself"
        yield from _lost(recording, begun)
        return
    intended = {StopReason.DATA_USED_UP, *([StopReason.INTERRUPTED] if is_stopped else [])}
    if end.stopped and end.stop_reason not in intended:
        yield end.stopped
    if begun != end.started:
        yield f"{end.started - begun:,} iterations are not in the recording"
    if recording.missing:
        yield f"{recording.missing:,} exchanges of {name} are missing"
    if scheduled is not None and scheduled != end.started + end.dropped + end.not_started:
        yield f"{name} does not account for all it was given"
    if recording.unconcluded:
        yield f"{recording.unconcluded:,} requests have no outcome in the recording"
    if end.dropped:
        yield f"{end.dropped:,} iterations could not be started in time"


def _lost(recording: Recording, begun: int) -> Iterator[str]:
    """Name which exchanges of a worker that was lost never reached the master."""
    if not recording.start.shipped:
        return
    exchanges, scheduled = recording.exchanges, recording.start.scheduled
    if not len(exchanges):
        yield "all that it sent is missing"
        return
    last, at_s = int(exchanges.sequence[-1]), float(exchanges.column("sent_s")[-1])
    yield (f"what it sent after exchange {last:,}, {at_s:.3f} s after its start, is missing; "
           f"so are the responses of {recording.unconcluded:,} before it")  # fmt: skip
    if scheduled is not None:
        yield f"{scheduled - begun:,} of its {scheduled:,} iterations are unaccounted for"


def _pace(driven: DrivenProfile) -> Finding:
    reason = bottleneck(driven)
    ends = [recording.end for recording in driven.recordings if recording.end]
    cpu_ratio = _most(end.cpu_s / end.wall_s for end in ends if end.wall_s > 0)
    delay_s = _most(end.loop_delay_max_s for end in ends)
    figures = [
        *([f"CPU {cpu_ratio:.0%} of a core"] if cpu_ratio is not None else []),
        *([f"event loop delay at most {1000 * delay_s:,.0f} ms"] if delay_s is not None else []),
    ]
    return Finding(
        NOT_SATURATED,
        "load generator not saturated",
        Kind.VALIDITY,
        Verdict.INCONCLUSIVE if reason else Verdict.PASS,
        f"CPU at most {MAX_CPU_RATIO:.0%} of a core, event loop delay at most "
        f"{MAX_LOOP_DELAY_S:g} s",
        reason or ", ".join(figures) or "nothing was measured to speak against it",
        reason=_why(driven, reason),
    )


def _why(driven: DrivenProfile, reason: str) -> str:
    """Name in a headline what did not keep up; "" where all did."""
    if not reason:
        return ""
    who = "load generator did not keep up" if overload(driven) else "load was not sent as planned"
    return f"the {who}: {reason}"


def _without_effect(finding: Finding) -> Finding:
    """Let a finding on times pass where nothing else is judged by them: counts stay as exact."""
    if finding.verdict is Verdict.PASS:
        return finding
    observed = f"{finding.observed}; no check is on times"
    return replace(finding, verdict=Verdict.PASS, observed=observed)


def _stalls(driven: DrivenProfile) -> Finding:
    observed, verdict = "responses all the time", Verdict.PASS
    if driven.profile.is_open:
        observed = "an open model: a stall is in its response times"
    else:
        users = sum(recording.start.users for recording in driven.recordings)
        stall = longest_stall(on_one_clock(driven.recordings), users)
        if stall is not None:
            verdict = Verdict.INCONCLUSIVE
            observed = (
                f"no response for {stall.duration_s:.3f} s: a closed model hides how many requests "
                f"a stall affects; {stall.waiting:,} waited, about {stall.missed:,} more would "
                "have been sent"
            )
    return Finding(
        finding_id("validity", "no-coordinated-omission"),
        "no coordinated omission",
        Kind.VALIDITY,
        verdict,
        "responses all the time, or an open model",
        observed,
    )
