"""Run one iteration of a flow; the same code for one user and under load.

The first step that is not ok ends the iteration.
"""

from collections.abc import Mapping
from typing import Any

from scenarios.driver.block_runner import BlockRunner, Pause
from scenarios.driver.flow import Flow
from scenarios.driver.step_runner import StepRunner
from scenarios.evidence.exchange import Mark
from scenarios.evidence.recording import Recorder
from scenarios.http.cookies import CookieJar
from scenarios.http.messages import Sender

NO_VARIABLES: Mapping[str, Any] = {}


def run_iteration(
    flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder,
    given: Mapping[str, Any] = NO_VARIABLES, pause: Pause | None = None,
    cookies: CookieJar | None = None,
) -> bool:  # fmt: skip
    """Run the flow once, up to the first step that is not ok. Return whether all steps were ok.

    `given` are further variables: the rows of the data sources, and what `user_setup` saved.

    The first step is due at `due_s`, in seconds on the clock of the recorder; any other is due when
    the one before it is done. An interrupt in flight is raised again, after it is recorded. `pause`
    waits for a number of seconds; by default it is `time.sleep`. `cookies` are those of the user;
    by default, an iteration has its own.
    """
    variables: dict[str, Any] = {
        "tenant": flow.tenant, "run": flow.run_id, "iteration": iteration,
        "unique": f"{flow.run_id}-{recorder.generator}-{iteration}",
        **flow.shared, **given,
    }  # fmt: skip
    runner = StepRunner(flow, iteration, due_s, sender, recorder, variables, cookies)
    journey = flow.journey_of(iteration)
    if steps := journey.steps:
        return runner.run(steps, Mark.ITERATION)
    is_ok = BlockRunner(runner, pause).run(journey.blocks)
    if is_ok:
        recorder.mark(runner.last, Mark.ITERATION)
    return is_ok
