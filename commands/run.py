"""What is the story of a run? Look, drive, wait until all is counted, look again, judge."""

import logging
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from commands.shared.collection import panel
from commands.shared.conclusion import conclude, finish
from commands.shared.run_setup import deployed, describe, open_run
from config.errors import ConfigError
from reference_services.stack.processes import StackError
from reports.progress import Progress
from scenarios.driver.driver import Driver, ready_driver
from scenarios.driver.plan import Plan
from scenarios.evidence.ledger import ledger_json, ledger_of
from scenarios.evidence.recording import read_recordings
from scenarios.evidence.run_folder import (
    DrivenPhase,
    Run,
    RunFolder,
    with_phase,
    write_whole,
)
from scenarios.language.model import Scenario


def conduct(plan: Plan, as_json: bool) -> None:
    """Tell the story of a run: look, drive, wait until all is counted, look again, judge."""
    progress = Progress()
    folder, run = open_run(plan)
    progress.note(f"{plan.scenario.scenario} -> {run.environment}  run {run.run_id}")
    try:
        with ExitStack() as held:
            with progress.stage("stack"):
                place = held.enter_context(deployed(plan, folder, run))
            run = describe(run, place, plan)
            driver = held.enter_context(ready_driver(place, plan.profiles))
            witnesses = held.enter_context(
                panel(plan.scenario, place.environment, run.tenant, folder, plan.file.starts_stack)
            )
            with progress.stage("look"):
                well = witnesses.look_before()
            for name in plan.profiles if well else ():
                phase = phase_of(plan, name)
                run = drive(driver, phase, run, folder, progress)
            write_ledger(plan.scenario, folder, run)
            if well:
                with progress.stage("settle"):
                    witnesses.look_after(time.time())
            with progress.stage("stop"):
                held.close()
    except KeyboardInterrupt:
        run = replace(folder.read_run(), interrupted="interrupted by a signal")
    except (ConfigError, StackError):
        raise
    except Exception as error:
        logging.getLogger("trial_balance").exception("the harness failed")
        run = replace(folder.read_run(), interrupted=f"the harness failed: {error}")
    finish(folder, replace(run, finished_at=datetime.now(UTC)))
    conclude(folder, as_json, progress)


def phase_of(plan: Plan, name: str) -> DrivenPhase:
    """Return the record of a profile that is driven from now on."""
    asked = plan.asked
    return DrivenPhase(
        name, name, datetime.now(UTC), users=asked.users, iterations=asked.iterations
    )


def drive(
    driver: Driver, phase: DrivenPhase, run: Run, folder: RunFolder, progress: Progress
) -> Run:
    """Drive one profile, and keep its record before and after."""
    name = phase.profile
    folder.write_run(with_phase(run, phase))
    before = run.phases[-1].profile if run.phases else None
    if before and not driver.went_well(before):
        trouble = f"not driven, since nothing of {before} went well"
    else:
        with progress.stage(name) as stage:
            trouble = driver.drive(name, progress.count)
            stage.words.append(driver.summary(name))
    phase = replace(phase, finished_at=datetime.now(UTC), trouble=trouble)
    run = with_phase(run, phase)
    folder.write_run(run)
    return run


def write_ledger(scenario: Scenario, folder: RunFolder, run: Run) -> None:
    """Write the ledger of the whole run beside the exchanges that it sums up."""
    exchanges = (
        recording.exchanges
        for phase in run.phases
        for recording in read_recordings(folder.exchanges, phase.stem)
    )
    content = ledger_json(ledger_of(scenario, exchanges))
    write_whole(folder.evidence / "ledger.json", content)
