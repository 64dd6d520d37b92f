"""Judge whether the journeys worked: each step, and each iteration of all that were scheduled."""

import math
from collections.abc import Iterator, Sequence

from checks.case import Case, DrivenProfile
from checks.failure_reasons import (
    FailureGroup,
    failure_groups,
    failure_headline,
    failure_sentence,
)
from checks.judgement import Judgement
from checks.result import Finding, Kind, finding_id
from checks.validity import overload
from checks.verdict import Verdict
from scenarios.evidence.recording import StopReason


def judge_success(case: Case) -> Judgement:
    """Judge the share of steps and of scheduled iterations that were as expected.

    A watch has one objective for the flow and for the services.
    """
    watch = case.run.watch
    least = watch.objective if watch else case.scenario.checks.success_rate
    steps = tuple(_step(case, step.step, least) for step in case.scenario.steps)
    profiles = tuple(_profile(case, driven, least) for driven in case.driven)
    return Judgement((*steps, *profiles))


def completed(driven: DrivenProfile) -> int:
    """Count the iterations that came to their end, every step as expected."""
    return sum(int(each.iterations.is_complete.sum()) for each in driven.exchanges)


def _step(case: Case, step: str, least: float) -> Finding:
    """Judge the requests of a step: by its own limit of errors, or by the success rate.

    The share is a measured fact of the run, no sample: only what was cut off leaves it open.
    """
    most_errors = None if case.run.watch else case.scenario.checks.most_errors(step)
    least = least if most_errors is None else 1 - most_errors
    exchanges = [each.of_step(step) for each in case.exchanges]
    good, count = sum(int(each.ok.sum()) for each in exchanges), sum(map(len, exchanges))
    bad = count - good - sum(int(each.cut_off.sum()) for each in exchanges)
    groups = failure_groups(case.recordings, step)
    observed = [f"{good:,} of {count:,} as expected", failure_sentence(groups)]
    is_left_out = not count and may_be_left_out(case, step)
    unsent = "no request of this step was sent"
    unsent += ": no iteration came to it, as its flow allows" if is_left_out else ""
    return Finding(
        id=finding_id("flow", step),
        title=f"step {step}",
        kind=Kind.FLOW,
        verdict=Verdict.PASS if is_left_out else _verdict(good, bad, count, least),
        expected=f"at least {_percent(least)} as expected"
        if most_errors is None
        else f"at most {_percent(most_errors)} errors",
        observed="; ".join(filter(None, observed)) if count else unsent,
        reason=failure_headline(groups, count),
    )


def may_be_left_out(case: Case, step: str) -> bool:
    """Return whether a step is one that iterations may leave out, and some came to their end."""
    return step in case.scenario.optional_steps and any(map(completed, case.driven))


def _profile(case: Case, driven: DrivenProfile, least: float) -> Finding:
    good = completed(driven)
    bad = sum(int(each.iterations.is_wrong.sum()) for each in driven.exchanges)
    stops = {each.end.stop_reason for each in driven.recordings if each.end}
    # What the generator itself dropped shows nothing of the services.
    is_generator = driven.dropped and (StopReason.CANNOT_RECORD in stops or overload(driven))
    missed = 0 if is_generator else driven.dropped
    if driven.aborted:  # since too few succeeded
        missed += driven.not_started
    # An interrupted run is judged by what it did, and so is one whose rows are used up.
    is_shorter = case.run.early_end is not None or driven.data_used_up
    asked = driven.begun + driven.dropped if is_shorter else driven.scheduled
    groups = failure_groups(driven.recordings)
    return Finding(
        id=finding_id("success", driven.phase.profile),
        title=f"success rate of {driven.phase.profile}",
        kind=Kind.SUCCESS,
        verdict=_verdict(good, bad + missed, asked, least),
        expected=f"at least {_percent(least)} of iterations",
        observed="; ".join(_outcome(driven, good, asked, groups)),
        reason=failure_headline(groups, asked),
    )


def _outcome(
    driven: DrivenProfile, good: int, asked: int, groups: Sequence[FailureGroup]
) -> Iterator[str]:
    yield f"{good:,} of {asked:,} iterations" + " begun" * (asked < driven.scheduled)
    if driven.dropped:
        yield f"{driven.dropped:,} dropped"
    if driven.aborted:
        yield f"{driven.not_started:,} not started"
        yield driven.aborted
    if groups:
        yield failure_sentence(groups)


def _verdict(good: int, bad: int, count: int, least: float) -> Verdict:
    """Judge by what is known to have succeeded or failed; of the rest, the end was not seen."""
    # Rounded first: 0.55 * 100 is 55.00000000000001 as a float, and 56 would be asked for.
    needed = math.ceil(round(least * count, 6))
    if count and good >= needed:
        return Verdict.PASS
    return Verdict.FAIL if count - bad < needed else Verdict.INCONCLUSIVE


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
