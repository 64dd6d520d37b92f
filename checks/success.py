"""Judge whether the journeys worked: each step, and each iteration of all that were scheduled."""

import math
from collections import Counter
from itertools import chain

from checks.case import Case, DrivenProfile
from checks.result import Finding, Judgement, Kind, finding_id
from checks.validity import overload
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import StopReason


def judge_success(case: Case) -> Judgement:
    """Judge the share of steps and of scheduled iterations that were as expected.

    A watch has one objective for the flow and for the services.
    """
    watch = case.run.watch
    least = watch.objective if watch else case.scenario.checks.success_rate
    steps = tuple(_step(case, step.step, least) for step in case.scenario.flow)
    profiles = tuple(_profile(case, driven, least) for driven in case.driven)
    return Judgement((*steps, *profiles))


def completed(case: Case, driven: DrivenProfile) -> int:
    """Count the iterations of which every step was as expected."""
    steps = len(case.scenario.flow)
    return sum(int(each.iterations.all_ok(steps).sum()) for each in driven.exchanges)


def _step(case: Case, step: str, least: float) -> Finding:
    exchanges = [each.of_step(step) for each in case.exchanges]
    outcomes = Counter[Outcome]()
    for _, outcome, _, count in chain.from_iterable(each.tally() for each in exchanges):
        outcomes[outcome] += count
    good, count = outcomes[Outcome.OK], outcomes.total()
    others = (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.NOT_SENT)
    counts = [f"{outcomes[each]:,} {each}" for each in others if outcomes[each]]
    bad = count - good - sum(int(each.cut_off.sum()) for each in exchanges)
    return Finding(
        id=finding_id("flow", step),
        title=f"step {step}",
        kind=Kind.FLOW,
        verdict=_verdict(good, bad, count, least),
        expected=f"at least {_percent(least)} as expected",
        observed=f"{good:,} of {count:,} as expected{'; ' * bool(counts)}{', '.join(counts)}",
    )


def _profile(case: Case, driven: DrivenProfile, least: float) -> Finding:
    good = completed(case, driven)
    bad = sum(int((each.iterations.wrong > 0).sum()) for each in driven.exchanges)
    stops = {each.end.stop_reason for each in driven.recordings if each.end}
    # What the generator itself dropped says nothing of the services.
    is_generator = driven.dropped and (StopReason.CANNOT_RECORD in stops or overload(driven))
    missed = 0 if is_generator else driven.dropped
    if StopReason.ABORTED in stops:  # since too few succeeded
        missed += driven.not_started
    # An interrupted run is judged by what it did.
    is_interrupted = case.run.early_end is not None
    asked = driven.begun + driven.dropped if is_interrupted else driven.scheduled
    return Finding(
        id=finding_id("success", driven.phase.profile),
        title=f"success rate of {driven.phase.profile}",
        kind=Kind.SUCCESS,
        verdict=_verdict(good, bad + missed, asked, least),
        expected=f"at least {_percent(least)} of iterations",
        observed=f"{good:,} of {asked:,} iterations" + " begun" * (asked < driven.scheduled),
    )


def _verdict(good: int, bad: int, count: int, least: float) -> Verdict:
    """Judge by what is known to have succeeded or failed; of the rest, the end was not seen."""
    # Rounded first: 0.55 * 100 is 55.00000000000001 as a float, and 56 would be asked for.
    needed = math.ceil(round(least * count, 6))
    if count and good >= needed:
        return Verdict.PASS
    return Verdict.FAIL if count - bad < needed else Verdict.INCONCLUSIVE


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
