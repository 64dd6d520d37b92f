"""Judge how many iterations, or requests of a step, a load completed per second.

Of each generator, those count that ended within its measured window, whenever they began:

    begin      warm-up      measured window          drain
      ├───────────┼──────────────────────────────┼─────────┤
              ●───┼──✓                        ●──┼──✕        ✓ counts, ✕ does not

The throughput is a measured fact of the run: it is no sample of which more could be inferred.
"""

from collections.abc import Iterator

import numpy as np

from checks.case import Case, DrivenProfile
from checks.judgement import Judgement
from checks.precision import print_apart
from checks.result import Finding, Kind, finding_id
from checks.validity import bottleneck
from checks.verdict import Verdict
from scenarios.driver.conflicts import is_load
from scenarios.evidence.exchanges import Column
from scenarios.evidence.recording import Recording
from scenarios.language.model import ITERATION


def judge_throughput(case: Case) -> Judgement:
    """Judge each objective on the measured phase, if that is a load."""
    measured = case.measured
    if measured is not None and not is_load(measured.profile):
        return Judgement(())
    return Judgement(tuple(
        _finding(measured, objective.step or ITERATION, objective.at_least)
        for objective in case.scenario.checks.throughput
    ))  # fmt: skip


def _finding(driven: DrivenProfile | None, step: str, at_least: float) -> Finding:
    windows = [each for each in driven.recordings if each.end] if driven else []
    count = sum(_completed(each, step) for each in windows)
    window_s = max((each.end.wall_s for each in windows if each.end), default=0.0)
    rate_per_s = sum(
        _completed(each, step) / each.end.wall_s
        for each in windows
        if each.end and each.end.wall_s > 0
    )
    is_met = rate_per_s >= at_least
    doubts = list(_doubts(driven)) if driven and not is_met else []
    verdict = Verdict.INCONCLUSIVE if doubts or not window_s else Verdict.FAIL
    measured = f"{print_apart(rate_per_s, 1, at_least)}/s"
    return Finding(
        id=finding_id("throughput", step),
        title=f"throughput {step}",
        kind=Kind.THROUGHPUT,
        verdict=Verdict.PASS if is_met and window_s else verdict,
        expected=f"at least {at_least:,.10g}/s",
        observed=f"{measured}: {count:,} completed in {window_s:.1f} s" if window_s
        else "no generator recorded a measured window",
        detail=" ".join(f"{each}." for each in doubts),
        reason=f"{step} {measured}, at least {at_least:,.10g}/s required" if window_s else "",
    )  # fmt: skip


def _doubts(driven: DrivenProfile) -> Iterator[str]:
    """Yield why more may have been completed, or could have been."""
    if reason := bottleneck(driven):
        yield f"The load generator was saturated: {reason}"
    if driven.is_partial:
        yield "Exchanges are missing, which may have been completed"
    if any(each.end is None for each in driven.recordings):
        yield "A generator did not end by itself"


def _completed(recording: Recording, step: str) -> int:
    """Count what was completed within the measured window of a generator."""
    if recording.end is None:
        return 0
    from_s = recording.end.window_from_s
    done_s = _done_s(recording, step)
    inside = (done_s >= from_s) & (done_s <= from_s + recording.end.wall_s)
    return int(np.count_nonzero(inside))


def _done_s(recording: Recording, step: str) -> Column:
    """Return when each completed iteration, or expected response of a step, was done."""
    exchanges = recording.exchanges
    if step == ITERATION:
        iterations = exchanges.iterations
        done_s: Column = iterations.done_s[iterations.is_complete]
        return done_s
    of_step = exchanges.of_step(step)
    done_of_step_s: Column = of_step.column("done_s")[of_step.ok]
    return done_of_step_s
