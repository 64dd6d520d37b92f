"""Judge the clocks of a run: this machine's and the generators', and Prometheus'."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from checks.case import Case
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from config.clock import ClockStep, render_step

_MAX_CLOCK_SKEW_S = 1.0
_SAME_STEP_S = 0.1


def judge_clocks(case: Case) -> Iterator[Finding]:
    """Judge the wall clocks that were set during the run, and the clock of Prometheus."""
    if case.run.clock_steps or any(_steps_elsewhere(case).values()):
        yield _judge_wall_clocks(case)
    collection = case.prometheus.collection
    if case.scenario.quantities and collection.is_clock_set:
        yield _judge_prometheus(0.0, collection.error)
    elif case.scenario.quantities and not collection.error:
        yield judge_clock_skew(collection.skew_s)


def judge_clock_skew(skew_s: float) -> Finding:
    """Judge Prometheus' clock minus ours, in seconds."""
    return _judge_prometheus(skew_s)


def _judge_prometheus(skew_s: float, error: str = "") -> Finding:
    is_well = not error and abs(skew_s) <= _MAX_CLOCK_SKEW_S
    return Finding(
        id=finding_id("clock", "prometheus"),
        title="clock skew to Prometheus",
        kind=Kind.VALIDITY,
        verdict=Verdict.PASS if is_well else Verdict.INCONCLUSIVE,
        expected=f"within {_MAX_CLOCK_SKEW_S:g} s",
        observed=error or f"{skew_s:+z.3f} s",
        detail="" if is_well else "Set both clocks by NTP.",
    )


# Prometheus' clock is compared with ours at both ends of the load. A clock that is set once shows
# in that; one that is set forward and back meanwhile does not, if Prometheus has the same clock:
#
#     compare ✓ ──┐ +5 s     ┌── compare ✓
#                 └── load ──┘ −5 s
def _judge_wall_clocks(case: Case) -> Finding:
    elsewhere = _steps_elsewhere(case)
    parts = [
        *([f"this machine's was {_render_steps(case.run.clock_steps)}"]
          if case.run.clock_steps else []),
        *(f"{name}'s was {_render_steps(steps)}" for name, steps in elsewhere.items() if steps),
    ]  # fmt: skip
    number = len(case.run.clock_steps) + sum(map(len, elsewhere.values()))
    is_seen = number == 1 or case.prometheus.collection.is_declared_absent
    return Finding(
        finding_id("clock", "harness"),
        "wall clock of the harness",
        Kind.VALIDITY,
        Verdict.PASS if is_seen else Verdict.INCONCLUSIVE,
        "not set during the run",
        f"{'; '.join(parts)}: times are taken from the monotonic clock",
        "Set the clock by NTP before the run; a machine that is suspended loses time, too.",
    )


def _steps_elsewhere(case: Case) -> dict[str, tuple[ClockStep, ...]]:
    """Return the steps that only generators noticed, by their names."""
    ours = case.run.clock_steps
    return {
        recording.start.generator: tuple(
            step
            for step in recording.clock_steps
            if not any(abs(step.step_s - each.step_s) < _SAME_STEP_S for each in ours)
        )
        for driven in case.driven
        for recording in driven.recordings
    }


def _render_steps(steps: Sequence[ClockStep]) -> str:
    return ", ".join(
        f"{render_step(step.step_s)} at {datetime.fromtimestamp(step.at, UTC):%H:%M:%S} UTC"
        for step in steps
    )
