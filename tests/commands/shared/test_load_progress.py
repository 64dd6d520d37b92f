from pathlib import Path

import pytest

from commands.shared.load_progress import LoadProgress, p95_limits
from commands.shared.run_setup import open_run
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.recording import Recorder
from scenarios.language.model import Scenario
from tests.commands.shop_plan import SCENARIO, shop_plan

LIMITED = SCENARIO + "checks: {latency: [{p95: 2s}, {step: iteration, p95: 3s}]}\n"


class Clock:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _followed(folder: Path, clock: Clock) -> tuple[LoadProgress, Recorder]:
    plan = shop_plan(folder, "http://127.0.0.1:1", "second", scenario=LIMITED)
    run_folder, _ = open_run(plan)
    recorder = Recorder(run_folder.exchanges / "second.jsonl", "second", "second", 1, 2, ("visit",))
    return LoadProgress(plan, "second", run_folder, clock), recorder


def test_a_snapshot_has_what_the_recording_shows_so_far(tmp_path: Path) -> None:
    clock = Clock()
    followed, recorder = _followed(tmp_path, clock)
    clock.now = 4.0
    assert followed.snapshot(0, 2, 0) is not None  # nothing was sent: the load has not begun
    recorder.conclude(recorder.intend(1, 0, 0.0), 0.0, 0.5, Outcome.REJECTED, 409, "no",
                      marks=Mark.ITERATION)  # fmt: skip
    clock.now = 6.0
    load = followed.snapshot(1, 2, 7)
    recorder.close()
    assert load is not None
    assert (load.ended, load.scheduled, load.dropped) == (1, 2, 7)
    assert (load.elapsed_s, load.remaining_s, load.rate_per_s) == (2.0, 2.0, 0.5)
    assert (load.requests, load.failed) == ({"second": 1}, {"second": 1})
    assert {each.step: each.limit_s for each in load.limits} == {"visit": 2.0, "iteration": 3.0}
    assert [each.p95_s for each in load.limits] == [pytest.approx(0.5, rel=0.02)] * 2


def test_a_load_is_looked_at_once_a_second(tmp_path: Path) -> None:
    clock = Clock()
    followed, recorder = _followed(tmp_path, clock)
    recorder.close()
    shown = []
    for now in (1.0, 1.5, 1.9, 2.0, 2.5):
        clock.now = now
        shown.append(followed.snapshot(0, 2, 0) is not None)
    assert shown == [True, False, False, True, False]


def test_the_strictest_limit_of_a_step_counts() -> None:
    checks = {"latency": [{"p95": "2s"}, {"step": "a", "p95": "3s"}, {"p99": "1s"}]}
    scenario = Scenario.model_validate(
        {
            "scenario": "s",
            "flow": [{"step": "a", "request": "GET shop /"}],
            "checks": checks,
            "profiles": {"once": {"users": 1, "iterations": 1}},
        }
    )
    assert p95_limits(scenario) == {"a": 2.0}
