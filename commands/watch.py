"""Watch an environment: begin or resume a watch, and judge what was seen by now."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from commands.shared.conclusion import conclude, finish
from commands.shared.interrupts import INTERRUPTS
from commands.shared.run_log import log_to
from commands.shared.run_setup import deployed, describe, open_run
from commands.shared.state_changes import StateReporter
from config.clock import CLOCK
from config.errors import ConfigError, Problem
from config.program import check_command
from config.units import parse_duration, parse_share
from reports.progress import Progress, ProgressStage
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.plan import Plan
from scenarios.driver.watch import (
    PROFILE,
    STEM,
    find_unfinished_watch,
    watch_on,
    watch_once,
    write_pointer,
)
from scenarios.evidence.run_folder import (
    DrivenPhase,
    Run,
    RunFolder,
    Watch,
)
from scenarios.language.attachments import read_attachments
from scenarios.language.profiles import Profile

_PACE_S, _MOST_PROBES = 0.5, 200_000


def usual_pace(length: str, once: bool) -> str:
    """Return the time between two probes where none is asked for.

    Of a long watch it is longer, so that there are never too many to be judged at once: the longer
    it is, the less a second matters.

    >>> usual_pace("24h", once=False), usual_pace("30d", once=False), usual_pace("30d", once=True)
    ('0.5s', '12.96s', '5m')
    """
    if once:
        return "5m"
    try:
        length_s = parse_duration(length)
    except ValueError:
        length_s = 0.0  # it is refused with all else that is wrong
    return f"{max(_PACE_S, length_s / _MOST_PROBES):g}s"


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What a watch is asked to do: for how long, how often, and for which share of the time."""

    lasts: timedelta
    every_s: float
    flow_every_s: float
    objective: float

    def since(self, begin: datetime) -> Watch:
        """Return the watch that begins at an instant."""
        return Watch(begin + self.lasts, self.every_s, self.flow_every_s, self.objective)


def read_watch(length: str, every: str, flow_every: str, objective: str) -> WatchRequest:
    """Read what a watch is asked to do. Raises ConfigError with every mistake."""
    read: dict[str, float] = {}
    problems = []
    for name, text, parse in (
        ("--for", length, parse_duration), ("--every", every, parse_duration),
        ("--flow-every", flow_every, parse_duration), ("--objective", objective, parse_share),
    ):  # fmt: skip
        try:
            read[name] = parse(text)
        except ValueError as error:
            problems.append(Problem(None, None, f"{name}: {error}"))
    if problems:
        raise ConfigError(*problems)
    lasts = timedelta(seconds=read["--for"])
    return WatchRequest(lasts, read["--every"], read["--flow-every"], read["--objective"])


def watch(
    plan: Plan, wanted: WatchRequest, once: bool, as_json: bool, on_change: Sequence[str] = ()
) -> None:
    """Take a watch up again, or begin one; watch, and conclude what was seen by now."""
    INTERRUPTS.raise_on_signal()
    progress = Progress()
    folder, run = open_watch(plan, wanted, progress)
    INTERRUPTS.raise_on_signal(check_command(folder.path))
    with deployed(plan, folder, run) as place:
        folder = place.folder
        run = begin_watch(describe(run, place, plan), folder)
        watch = run.watch or wanted.since(run.started_at)
        flow = compile_flow(
            place.scenario, place.environment, run.run_id, run.tenant, folder.secrets,
            read_attachments(place.scenario, place.scenario_path),
        )  # fmt: skip
        try:
            with progress.stage("watch") as stage:
                hear = partial(hear_pass, [], progress, stage)
                tell = StateReporter(progress, on_change)
                rows = place.data_rows(Profile(), folder.secrets)
                if once:
                    watch_once(place.environment, flow, folder, hear, tell, rows)
                else:
                    watch_on(watch, place.environment, flow, folder, hear, tell, rows)
        except KeyboardInterrupt:
            progress.note("the watch goes on when it is called again")
    if CLOCK.now() >= watch.until:
        finish(folder, replace(run, finished_at=watch.until))
    folder.redact_witnesses()
    conclude(folder, as_json, progress)


def open_watch(plan: Plan, wanted: WatchRequest, progress: Progress) -> tuple[RunFolder, Run]:
    """Return the watch of this environment that is not at its end, or a new one."""
    digest = hashlib.sha256(plan.scenario_path.read_bytes()).hexdigest()
    found = find_unfinished_watch(plan.asked.runs, plan.file.name, digest)
    if found and CLOCK.now() < found.watch.until:
        log_to(found.folder)
        progress.note(f"going on with the watch of {plan.file.name}  run {found.run.run_id}, "
                      f"until {found.watch.until:%Y-%m-%d %H:%M} UTC")  # fmt: skip
        return found.folder, found.run
    if found:
        finish(found.folder, replace(found.run, finished_at=found.watch.until))
        check = check_command(found.folder.path)
        progress.note(f"the watch {found.run.run_id} came to its end: {check}")
    return new_watch(plan, wanted, progress)


def new_watch(plan: Plan, wanted: WatchRequest, progress: Progress) -> tuple[RunFolder, Run]:
    """Make the folder and the record of a watch, and remember which one it is."""
    folder, run = open_run(plan)
    watch = wanted.since(run.started_at)
    run = replace(run, watch=watch, phases=(DrivenPhase(PROFILE, STEM, CLOCK.now()),))
    folder.write_run(run)
    write_pointer(plan.asked.runs, plan.file.name, run.run_id)
    progress.note(f"watching {run.environment}  run {run.run_id}, "
                  f"until {watch.until:%Y-%m-%d %H:%M} UTC")  # fmt: skip
    return folder, run


def begin_watch(run: Run, folder: RunFolder) -> Run:
    """Have a new watch begin now that all is there, and end as much later."""
    # A watch that has probes is resumed: to move its begin would leave them outside of it.
    if run.watch is None or (folder.evidence / "probes").exists():
        return run
    now = CLOCK.now()
    until = run.watch.until + (now - run.started_at)
    run = replace(run, started_at=now, watch=replace(run.watch, until=until))
    folder.write_run(run)
    return run


def hear_pass(
    passes: list[bool], progress: Progress, stage: ProgressStage, went_well: bool
) -> None:
    """Count the passes of the flow, and show how far it has come."""
    passes.append(went_well)
    stage.words[:] = [f"{len(passes):,} passes, {passes.count(False):,} not as expected"]
    progress.count(len(passes), None)
