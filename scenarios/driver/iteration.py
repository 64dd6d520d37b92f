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
from scenarios.language.tables import Row

NO_ROWS: Mapping[str, Row] = {}


def run_iteration(
    flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder,
    rows: Mapping[str, Row] = NO_ROWS, pause: Pause | None = None,
    cookies: CookieJar | None = None,
) -> bool:  # fmt: skip
    """Run the flow once, up to the first step that is not ok. Return whether all steps were ok.

    `rows` are those of the data sources, by name.

    The first step is due at `due_s`, in seconds on the clock of the recorder; any other is due when
    the one before it is done. An interrupt in flight is raised again, after it is recorded. `pause`
    waits for a number of seconds; by default it is `time.sleep`. `cookies` are those of the user;
    by default, an iteration has its own.
    """
    variables: dict[str, Any] = {
        "tenant": flow.tenant, "run": flow.run_id, "iteration": iteration,
        "unique": f"{flow.run_id}-{recorder.generator}-{iteration}",
        **rows,
    }  # fmt: skip
    runner = StepRunner(flow, iteration, due_s, sender, recorder, variables, cookies)
    if flow.blocks is not None:
        is_ok = BlockRunner(runner, pause).run(flow.blocks)
        if is_ok:
            recorder.mark(runner.last, Mark.ITERATION)
        return is_ok
    return runner.run(flow.steps, Mark.ITERATION)
