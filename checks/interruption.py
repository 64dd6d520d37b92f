"""Report how far a run came that ended early, and what is missing from its evidence."""

from collections.abc import Iterator

from checks.case import Case, DrivenProfile
from checks.result import RUN_COMPLETE, Finding, Kind
from checks.verdict import Verdict
from checks.wording import listed
from scenarios.driver.arrivals import arrivals_of
from scenarios.evidence.run_folder import Cause, Interruption, Stage


def judge_interruption(case: Case, end: Interruption) -> Finding:
    """Return the finding of a run that ended early: the run is inconclusive, whatever it did."""
    event = "the harness failed" if end.cause is Cause.FAULT else "interrupted"
    return Finding(
        RUN_COMPLETE, "run complete", Kind.VALIDITY, Verdict.INCONCLUSIVE,
        "every profile driven to its end, every witness asked after it",
        f"{event} {_progress(case, end)}", " ".join(_details(case, end)),
    )  # fmt: skip


def _progress(case: Case, end: Interruption) -> str:
    if not case.driven:
        return "before the first request"
    if end.stage is Stage.SETTLE:
        return f"while settling, after {sum(each.begun for each in case.driven):,} iterations"
    last = case.driven[-1]
    of_profile = f" of {last.phase.profile}" if len(case.run.profiles) > 1 else ""
    return f"after {_amount(last)}{of_profile}"


def _amount(driven: DrivenProfile) -> str:
    """Return how much of a profile was done: its iterations, or its time if that limits it."""
    if driven.profile.is_open or driven.profile.iterations:
        return f"{driven.begun:,} of {driven.scheduled:,} iterations"
    ends = [each.end for each in driven.recordings if each.end]
    if not ends:
        return f"{driven.begun:,} iterations"
    done_s = max(end.window_from_s + end.wall_s for end in ends)
    return f"{done_s:.1f} s of {arrivals_of(driven.profile).until_s:g} s"


def _details(case: Case, end: Interruption) -> Iterator[str]:
    if end.cause is Cause.KILLED:
        yield "The process ended without a record of why."
    else:
        yield f"The reason: {end.detail}." if end.cause is Cause.FAULT else f"By {end.detail}."
    yield "What was done is judged." if case.driven else "Nothing was sent."
    if case.run.not_driven:
        yield f"Not driven: {listed(case.run.not_driven)}."
    if case.not_asked_after and case.driven:
        yield f"Not asked after the load: {listed(case.not_asked_after)}."
