"""The run of plain Locust: a folder like that of any run, so that its evidence can be judged.

    start   runs/ID/evidence/    run.json, scenario.yaml, environment.yaml, exchanges/
    end     run.json             the time; and how to judge it, on the terminal and the page's logs

No witness is asked: what was counted is not known, so usage is not judged.
"""

import hashlib
import logging
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from config.clock import CLOCK
from config.environment import Environment, read_environment
from config.program import check_command
from config.redaction import Secrets
from scenarios.engine.load_task import LoadTask
from scenarios.evidence.run_folder import DrivenPhase, Run, RunFolder, create_run_folder
from scenarios.language.reader import read_scenario
from scenarios.language.secrets import secrets_of

# Locust shows what is logged on the terminal and in the tab "Logs" of its page
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlainRun:
    """A run of plain Locust that has begun."""

    folder: RunFolder
    run: Run

    def end(self) -> None:
        """Note the end, and say how to judge the run."""
        finished_at = CLOCK.now()
        phases = tuple(replace(each, finished_at=finished_at) for each in self.run.phases)
        self.folder.write_run(replace(self.run, finished_at=finished_at, phases=phases))
        check = check_command(self.folder.path)
        _LOG.info("To judge this load and write its report: %s", check)


def open_plain_run(task: LoadTask, options: Sequence[str]) -> PlainRun:
    """Make the folder and the record of a load with Locust's options. Raises ConfigError."""
    scenario, environment = read_scenario(task.scenario), read_environment(task.environment)
    path = task.exchanges.parents[1]
    folder = create_run_folder(path.parent, path.name, task.scenario, task.environment)
    folder = replace(folder, secrets=Secrets.of_process(secrets_of(scenario, environment)))
    folder.redact_files()
    command = shlex.join(["python", "-m", "locust", *options])
    run = _record(task, environment, scenario.scenario, command)
    folder.write_run(run)
    _LOG.info("recording to %s", folder.path)
    return PlainRun(folder, run)


def _record(task: LoadTask, environment: Environment, scenario: str, command: str) -> Run:
    now = CLOCK.now()
    phase = DrivenPhase(
        task.phase, task.stem, now, users=task.users, iterations=task.iterations or None,
        rate_per_s=task.rate_per_s or None, duration_s=task.duration_s or None,
    )  # fmt: skip
    return Run(
        run_id=task.run_id, environment=environment.environment, scenario=scenario,
        scenario_sha256=hashlib.sha256(task.scenario.read_bytes()).hexdigest(),
        tenant=task.tenant, exclusive=environment.exclusive,
        services={name: each.url for name, each in environment.services.items()},
        headers={}, started_at=now, repeat=command,
        versions={"locust": version("locust"), "python": platform.python_version()},
        profiles=(task.phase,), phases=(phase,), trace_header=environment.trace_header,
        asks_witnesses=False,
    )  # fmt: skip
