"""Did the journeys work? Each step, and each whole iteration, over everything scheduled."""

from checks.case import Case, DrivenProfile
from checks.result import Finding, Judgement, Kind
from checks.verdict import Verdict
from scenarios.exchange import Outcome
from scenarios.recording import iterations_of


def judge_success(case: Case) -> Judgement:
    """Judge the share of steps and of scheduled iterations that went as expected."""
    least = case.scenario.checks.success_rate
    steps = tuple(_step(case, step.step, least) for step in case.scenario.flow)
    profiles = tuple(_profile(case, driven, least) for driven in case.driven)
    return Judgement((*steps, *profiles))


def completed(case: Case, driven: DrivenProfile) -> int:
    """Count the iterations of which every step was as expected."""
    steps = len(case.scenario.flow)
    return sum(
        len(exchanges) == steps and all(each.outcome is Outcome.OK for each in exchanges)
        for recording in driven.recordings
        for exchanges in iterations_of(recording)
    )


def _step(case: Case, step: str, least: float) -> Finding:
    outcomes = [
        each.outcome for driven in case.driven for each in driven.exchanges if each.step == step
    ]
    good = outcomes.count(Outcome.OK)
    return Finding(
        check=f"step {step}",
        kind=Kind.FLOW,
        verdict=_verdict(good, len(outcomes), least),
        expected=f"at least {_percent(least)} as expected",
        observed=f"{good:,} of {len(outcomes):,} as expected{_others(outcomes)}",
    )


def _profile(case: Case, driven: DrivenProfile, least: float) -> Finding:
    good = completed(case, driven)
    return Finding(
        check=f"success rate of {driven.phase.profile}",
        kind=Kind.SUCCESS,
        verdict=_verdict(good, driven.scheduled, least),
        expected=f"at least {_percent(least)} of the iterations scheduled",
        observed=f"{good:,} of {driven.scheduled:,} iterations",
    )


def _verdict(good: int, count: int, least: float) -> Verdict:
    if count == 0:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if good >= least * count else Verdict.FAIL


def _others(outcomes: list[Outcome]) -> str:
    others = (Outcome.REJECTED, Outcome.UNKNOWN, Outcome.NOT_SENT)
    told = [f"{outcomes.count(each):,} {each}" for each in others if each in outcomes]
    return f"; {', '.join(told)}" if told else ""


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
