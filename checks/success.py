"""Did the journeys work? Each step, and each whole iteration, over everything scheduled."""

import math
from collections import Counter
from itertools import chain

from checks.case import Case, DrivenProfile
from checks.result import Finding, Judgement, Kind
from checks.validity import overload
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import CANNOT_RECORD


def judge_success(case: Case) -> Judgement:
    """Judge the share of steps and of scheduled iterations that went as expected.

    A watch asks of the flow what it asks of the services.
    """
    watch = case.run.watch
    least = watch.objective if watch else case.scenario.checks.success_rate
    steps = tuple(_step(case, step.step, least) for step in case.scenario.flow)
    profiles = tuple(_profile(case, driven, least) for driven in case.driven)
    return Judgement((*steps, *profiles))


def completed(case: Case, driven: DrivenProfile) -> int:
    """Count the iterations of which every step was as expected."""
    steps = len(case.scenario.flow)
    return sum(int(each.iterations.complete(steps).sum()) for each in driven.exchanges)


def _step(case: Case, step: str, least: float) -> Finding:
    exchanges = [each.of_step(step) for each in case.exchanges]
    outcomes = Counter[Outcome]()
    for _, outcome, _, count in chain.from_iterable(each.tally() for each in exchanges):
        outcomes[outcome] += count
    good, count = outcomes[Outcome.OK], outcomes.total()
    bad = count - good - sum(int(each.cut_off.sum()) for each in exchanges)
    return Finding(
        check=f"step {step}",
        kind=Kind.FLOW,
        verdict=_verdict(good, bad, count, least),
        expected=f"at least {_percent(least)} as expected",
        observed=f"{good:,} of {count:,} as expected{_others(outcomes)}",
    )


def _profile(case: Case, driven: DrivenProfile, least: float) -> Finding:
    good = completed(case, driven)
    bad = sum(int((each.iterations.wrong > 0).sum()) for each in driven.exchanges)
    dropped = 0 if driven.dropped and _not_theirs(case, driven) else driven.dropped
    return Finding(
        check=f"success rate of {driven.phase.profile}",
        kind=Kind.SUCCESS,
        verdict=_verdict(good, bad + dropped, driven.scheduled, least),
        expected=f"at least {_percent(least)} of iterations",
        observed=f"{good:,} of {driven.scheduled:,} iterations",
    )


def _not_theirs(case: Case, driven: DrivenProfile) -> bool:
    """Tell whether what was dropped says nothing of the services: the generator is to blame."""
    ended_early = case.run.interrupted or case.run.finished_at is None
    ends = [each.end.stopped for each in driven.recordings if each.end]
    unrecorded = any(stopped.startswith(CANNOT_RECORD) for stopped in ends)
    return bool(ended_early or unrecorded or overload(driven))


def _verdict(good: int, bad: int, count: int, least: float) -> Verdict:
    """Judge what is known to have gone well or wrong; the rest was not seen to its end."""
    needed = math.ceil(round(least * count, 6))
    if count and good >= needed:
        return Verdict.PASS
    return Verdict.FAIL if count - bad < needed else Verdict.INCONCLUSIVE


def _others(outcomes: Counter[Outcome]) -> str:
    others = (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.NOT_SENT)
    told = [f"{outcomes[each]:,} {each}" for each in others if outcomes[each]]
    return f"; {', '.join(told)}" if told else ""


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
