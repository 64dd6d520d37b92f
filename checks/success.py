"""Did the journeys work? Each step, and each whole iteration, over everything scheduled."""

import math

from checks.case import Case, DrivenProfile
from checks.result import Finding, Judgement, Kind
from checks.verdict import Verdict
from scenarios.exchange import Exchange, Outcome
from scenarios.recording import is_complete, iterations_of


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
    return sum(
        is_complete(exchanges, steps)
        for recording in driven.recordings
        for exchanges in iterations_of(recording)
    )


def _step(case: Case, step: str, least: float) -> Finding:
    exchanges = [each for driven in case.driven for each in driven.exchanges if each.step == step]
    outcomes = [each.outcome for each in exchanges]
    good = outcomes.count(Outcome.OK)
    bad = sum(_went_wrong(each) for each in exchanges)
    return Finding(
        check=f"step {step}",
        kind=Kind.FLOW,
        verdict=_verdict(good, bad, len(outcomes), least),
        expected=f"at least {_percent(least)} as expected",
        observed=f"{good:,} of {len(outcomes):,} as expected{_others(outcomes)}",
    )


def _profile(case: Case, driven: DrivenProfile, least: float) -> Finding:
    good = completed(case, driven)
    bad = sum(
        any(map(_went_wrong, exchanges))
        for recording in driven.recordings
        for exchanges in iterations_of(recording)
    )
    dropped = 0 if case.run.interrupted else driven.dropped
    return Finding(
        check=f"success rate of {driven.phase.profile}",
        kind=Kind.SUCCESS,
        verdict=_verdict(good, bad + dropped, driven.scheduled, least),
        expected=f"at least {_percent(least)} of iterations",
        observed=f"{good:,} of {driven.scheduled:,} iterations",
    )


def _went_wrong(exchange: Exchange) -> bool:
    return exchange.outcome is not Outcome.OK and not exchange.cut_off


def _verdict(good: int, bad: int, count: int, least: float) -> Verdict:
    """Judge what is known to have gone well or wrong; the rest was not seen to its end."""
    needed = math.ceil(round(least * count, 6))
    if count and good >= needed:
        return Verdict.PASS
    return Verdict.FAIL if count - bad < needed else Verdict.INCONCLUSIVE


def _others(outcomes: list[Outcome]) -> str:
    others = (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.NOT_SENT)
    told = [f"{outcomes.count(each):,} {each}" for each in others if each in outcomes]
    return f"; {', '.join(told)}" if told else ""


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
