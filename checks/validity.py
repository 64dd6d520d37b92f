"""Can the measurement be trusted? Whether the run balances, and whether the generator kept up."""

from collections.abc import Iterator

from checks.case import Case, DrivenProfile
from checks.result import Finding, Generator, Judgement, Kind
from checks.stall import longest_stall
from checks.verdict import Verdict
from scenarios.recording import Recording, iterations_of

_MAX_CPU_RATIO = 0.9
_MAX_LOOP_DELAY_S = 0.5
_MAX_CLOCK_SKEW_S = 1.0
_SHORT_WINDOW_S = 0.5


def judge_validity(case: Case) -> Judgement:
    """Judge whether each phase balances, the generator kept up and the clocks agree."""
    if not case.driven:
        reason = case.run.interrupted or "no request was sent"
        return Judgement((_finding("run complete", "every profile driven", reason, None),))
    findings = [_balance(driven) for driven in case.driven]
    if case.run.interrupted:
        findings.append(
            _finding("run complete", "the run ends by itself", case.run.interrupted, None)
        )
    elif case.run.finished_at is None:
        findings.append(_finding("run complete", "the run ends by itself", "it was cut off", None))
    findings += [_pace(driven) for driven in case.driven[-1:]]
    findings += [_stalls(driven) for driven in case.driven[-1:]]
    findings += _clock(case)
    return Judgement(tuple(findings))


def bottleneck(driven: DrivenProfile) -> str:
    """Return why the generator, not the SUT, may have set the latency, with the figure; or ""."""
    for recording in driven.recordings:
        end = recording.end
        if end is None or end.wall_s < _SHORT_WINDOW_S:
            continue
        if end.cpu_s / end.wall_s > _MAX_CPU_RATIO:
            return f"{end.cpu_s / end.wall_s:.0%} of a core used, at most {_MAX_CPU_RATIO:.0%}"
        if (end.loop_delay_max_s or 0.0) > _MAX_LOOP_DELAY_S:
            return f"its event loop stood for {end.loop_delay_max_s:.3f} s"
    return ""


def generator_figures(case: Case) -> Generator:
    """Return how the generator of the measured phase fared."""
    reading = case.prometheus.reading
    skew_s = None if reading.down else reading.skew_s
    ends = [each.end for each in case.measured.recordings if each.end] if case.measured else []
    if not case.measured or not ends:
        return Generator(None, None, None, skew_s)
    lags = sorted(
        exchanges[0].sent_s - exchanges[0].due_s
        for recording in case.measured.recordings
        for exchanges in iterations_of(recording)
    )
    delays = [end.loop_delay_max_s for end in ends if end.loop_delay_max_s is not None]
    return Generator(
        cpu_ratio=max((end.cpu_s / end.wall_s for end in ends if end.wall_s > 0), default=None),
        lag_p99_s=lags[max(0, -(-99 * len(lags) // 100) - 1)] if lags else None,
        loop_delay_max_s=max(delays, default=None),
        clock_skew_s=skew_s,
    )


def _balance(driven: DrivenProfile) -> Finding:
    """Judge that scheduled = begun + dropped, and that every intent has an outcome."""
    troubles = [*([driven.phase.trouble] if driven.phase.trouble else []), *_imbalances(driven)]
    begun = sum(len(list(iterations_of(each))) for each in driven.recordings)
    observed = f"{driven.scheduled:,} scheduled, {begun:,} begun, {driven.dropped:,} dropped"
    return _finding(
        f"{driven.phase.profile} balances",
        "scheduled = begun + dropped, each request with its outcome",
        "; ".join([observed, *troubles]),
        None if troubles else Verdict.PASS,
    )


def _imbalances(driven: DrivenProfile) -> Iterator[str]:
    if not driven.recordings:
        yield "the load generator left no recording"
    for recording in driven.recordings:
        yield from _recording_troubles(recording)


def _recording_troubles(recording: Recording) -> Iterator[str]:
    if recording.end is None:
        yield f"the generator {recording.start.generator} did not end by itself"
        return
    begun = len(list(iterations_of(recording)))
    scheduled = recording.start.scheduled
    if begun != recording.end.started:
        yield f"{recording.end.started - begun:,} iterations are not in the recording"
    if scheduled is not None and scheduled != recording.end.started + recording.end.dropped:
        yield f"{recording.start.generator} does not account for all it was given"
    if recording.unconcluded:
        yield f"{recording.unconcluded:,} requests have no outcome in the recording"
    if recording.end.dropped:
        yield f"{recording.end.dropped:,} iterations could not be started in time"


def _pace(driven: DrivenProfile) -> Finding:
    reason = bottleneck(driven)
    expected = f"at most {_MAX_CPU_RATIO:.0%} of a core, event loop within {_MAX_LOOP_DELAY_S:g} s"
    return _finding("generator kept up", expected, reason or "it did", None if reason else
                    Verdict.PASS)  # fmt: skip


def _stalls(driven: DrivenProfile) -> Finding:
    users = driven.profile.users
    stalls = (longest_stall(each.exchanges, users) for each in driven.recordings)
    stall = max(filter(None, stalls), key=lambda each: each.lasted_s, default=None)
    expected = "answers all the time, or an open model"
    if stall is None:
        return _finding("no stall is hidden", expected, "answers all the time", Verdict.PASS)
    observed = (
        f"no answer for {stall.lasted_s:.3f} s: a closed model hides how many it concerns; "
        f"{stall.waiting:,} requests waited, about {stall.missed:,} more would have come"
    )
    return _finding("no stall is hidden", expected, observed, None)


def _clock(case: Case) -> list[Finding]:
    reading = case.prometheus.reading
    return [] if reading.down or not case.scenario.quantities else [clock_finding(reading.skew_s)]


def clock_finding(skew_s: float) -> Finding:
    """Judge Prometheus' clock minus ours, in seconds."""
    verdict = Verdict.PASS if abs(skew_s) <= _MAX_CLOCK_SKEW_S else Verdict.INCONCLUSIVE
    return Finding(
        check="clock skew to Prometheus",
        kind=Kind.VALIDITY,
        verdict=verdict,
        expected=f"within {_MAX_CLOCK_SKEW_S:g} s",
        observed=f"{skew_s:+.3f} s",
        detail="" if verdict is Verdict.PASS else "Set both clocks by NTP.",
    )


def _finding(check: str, expected: str, observed: str, verdict: Verdict | None) -> Finding:
    return Finding(check, Kind.VALIDITY, verdict or Verdict.INCONCLUSIVE, expected, observed)
