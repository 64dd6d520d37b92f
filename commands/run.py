"""Run profiles against an environment: collect, drive, settle, collect, judge, render."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import NoReturn

from checks.balance.usage import (
    counters_exceed,
    counters_fall_short,
    judge_usage,
    records_fall_short,
)
from checks.case import read_case
from checks.health import services_are_healthy
from checks.result import UsageRow
from commands.shared.conclusion import conclude, finish
from commands.shared.interrupts import INTERRUPTS
from commands.shared.live_server import live_server
from commands.shared.load_progress import LoadProgress
from commands.shared.preflight import refuse_wrong_scenario
from commands.shared.run_setup import deployed, describe, open_run
from config.clock import CLOCK
from config.errors import ConfigError
from config.failures import failure_of
from config.program import check_command
from config.redaction import redact
from reference_services.stack.local import SUPERVISOR
from reference_services.stack.processes import LostProcess
from reports.live_load import LoadSnapshot
from reports.live_page import render_live_page
from reports.progress import Progress
from reports.settling import render_api_settling, render_settling
from scenarios.driver.driver import Driver, ready_driver
from scenarios.driver.load_process import OnProgress
from scenarios.driver.plan import Plan
from scenarios.evidence.files import write_atomically
from scenarios.evidence.ledger import ledger_json, ledger_of
from scenarios.evidence.recording import OUTSIDE
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import (
    Cause,
    DrivenPhase,
    Interruption,
    LostPart,
    Run,
    RunFolder,
    Stage,
    with_phase,
)
from witnesses.collectors import Collectors, open_collectors
from witnesses.model import Moment
from witnesses.prometheus.settling import Settling


# The order in which a run asks. What a counter gains between the two answers after the load came
# late, or from others; what it does not gain is lost.
#
#     health ── witnesses ──┤ load ├── witnesses ── (witnesses) ── health
#     └────── before ─────┘            at rest      └ only if a counter falls short or exceeds
def run(plan: Plan, as_json: bool, is_live: bool = False) -> NoReturn:
    """Run the profiles of a plan, and exit with the verdict.

    A wrong scenario raises ConfigError before the load. Counters that fall short are collected once
    more: this separates late counts from lost ones.
    """
    INTERRUPTS.hold()
    current = CurrentRun(plan, *open_run(plan), Progress())
    with current.recorded():
        INTERRUPTS.raise_on_signal(check_command(current.folder.path))
        with current.opened() as (driver, witnesses):
            witnesses.collect_health(Moment.BEFORE)
            if services_are_healthy(current.folder):
                current.refuse_wrong_scenario(witnesses)
                current.take_baseline(witnesses)
                with current.served() if is_live else nullcontext():
                    current.drive(driver)
                    if current.has_sent:
                        current.settle(witnesses)
    conclude(current.folder, as_json, current.progress)


@dataclass
class CurrentRun:
    """A run while it lasts; `record` is written to its folder at each change.

    A signal during the load stops the load, and the run goes on with what was done; at other times
    the run ends with what it has.
    """

    plan: Plan
    folder: RunFolder
    record: Run
    progress: Progress
    stage: Stage = Stage.SETUP
    snapshots: list[LoadSnapshot] = field(default_factory=list)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record how the run ends: an interrupt or a fault of the harness leaves a partial run.

        Mistakes of the user that are found late are raised: nothing has been sent yet.
        """
        name = f"{self.plan.scenario.scenario} -> {self.record.environment}"
        self.progress.note(f"{name}  run {self.record.run_id}")
        try:
            yield
        except KeyboardInterrupt:
            self._interrupt(Cause.SIGNAL, signal_name())
        except ConfigError:
            raise
        except Exception as error:
            logging.getLogger("trial_balance").exception("the harness failed")
            self._interrupt(Cause.FAULT, failure_of(error))
        INTERRUPTS.hold()
        finished_at, steps = CLOCK.now(), CLOCK.steps
        finish(self.folder, replace(self.record, finished_at=finished_at, clock_steps=steps))

    @contextmanager
    def opened(self) -> Iterator[tuple[Driver, Collectors]]:
        """Have the services up, the load generators ready and the witnesses connected."""
        plan = self.plan
        with ExitStack() as held:
            with self.progress.stage("stack"):
                place = held.enter_context(
                    deployed(plan, self.folder, self.record, self._record_lost)
                )
            self.folder = place.folder
            self.record = describe(self.record, place, plan)
            driver = held.enter_context(ready_driver(place, plan.profiles))
            witnesses = held.enter_context(
                open_collectors(
                    plan.scenario, place.environment, place.tenant, self.folder,
                    fresh=plan.file.starts_stack,
                )
            )  # fmt: skip
            yield driver, witnesses
            INTERRUPTS.hold()
            with self.progress.stage("stop"):
                held.close()

    def refuse_wrong_scenario(self, witnesses: Collectors) -> None:
        """Ask the witnesses for what the scenario names. Raises ConfigError."""
        plan = self.plan
        with self.progress.stage("preflight"):
            refuse_wrong_scenario(
                plan.scenario, plan.scenario_path, witnesses.environment, witnesses.tenant,
                self.folder.secrets,
            )  # fmt: skip

    def take_baseline(self, witnesses: Collectors) -> None:
        """Ask every witness, and print how long settling will take as soon as that is known."""
        early = witnesses.learn_settling()
        self._announce(early)
        for name, settle_s in witnesses.api_settling().items():
            self.progress.note(render_api_settling(name, settle_s))
        with self.progress.stage("baseline"):
            witnesses.collect(Moment.BEFORE)
        if early is None:
            self._announce(witnesses.settling)

    def _announce(self, settling: Settling | None) -> None:
        if settling:
            self.progress.note(render_settling(settling))

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve the page of the load on loopback, and print its address."""
        title = f"{self.record.scenario} on {self.record.environment}"
        with live_server(lambda: render_live_page(title, list(self.snapshots))) as address:
            self.progress.note(f"live page {address}")
            yield

    def drive(self, driver: Driver) -> None:
        """Drive every profile in turn, and write the ledger of all of them.

        After a signal, no further one is begun.
        """
        self.stage = Stage.LOAD
        with INTERRUPTS.calling(driver.stop), self._set_up(driver) as is_set_up:
            for name in self.plan.profiles if is_set_up else ():
                if INTERRUPTS.first is None:
                    self._drive_profile(driver, name)
        if INTERRUPTS.first is not None:
            self._interrupt(Cause.SIGNAL, signal_name())
        self.stage = Stage.SETTLE
        stems = (*OUTSIDE, *(phase.stem for phase in self.record.phases))
        exchanges = (
            recording.exchanges
            for stem in stems
            for recording in read_recordings(self.folder.exchanges, stem)
        )
        ledger = ledger_of(self.plan.scenario, exchanges)
        write_atomically(
            self.folder.evidence / "ledger.json", ledger_json(self.plan.scenario, ledger)
        )

    @contextmanager
    def _set_up(self, driver: Driver) -> Iterator[bool]:
        """Run the set-up, and the teardown after the block, however both end.

        Yield whether the set-up succeeded; without it, no load is sent.
        """
        error = driver.set_up()
        if error:
            self.progress.note(f"the set-up failed, so no load is sent: {error}")
        try:
            yield not error
        finally:
            driver.tear_down()

    @property
    def has_sent(self) -> bool:
        """Whether a request of the scenario has been sent, also of the set-up alone."""
        return bool(self.record.phases) or any(
            read_recordings(self.folder.exchanges, stem) for stem in OUTSIDE
        )

    def settle(self, witnesses: Collectors) -> None:
        """Ask every witness, and again where a count may be late, or others may count on it."""
        with self.progress.stage("settle"):
            witnesses.collect(Moment.AFTER)
            for may_be_late in witnesses.attempts():
                rows = self._judged_rows()
                if not (may_be_late and counters_fall_short(rows)) and not counters_exceed(rows):
                    break
                witnesses.collect(Moment.AFTER)
            else:
                rows = self._judged_rows()
            for _ in witnesses.further_records():
                if not records_fall_short(rows):
                    break
                witnesses.collect_records()
                rows = self._judged_rows()
            witnesses.collect_health(Moment.AFTER)

    def _judged_rows(self) -> tuple[UsageRow, ...]:
        """Judge the balance of what was collected so far: for a large run, that takes seconds."""
        return judge_usage(read_case(self.folder)).usage

    def _drive_profile(self, driver: Driver, name: str) -> None:
        """Drive one profile, and keep its record before and after."""
        size = self.plan.size
        before = self.record.phases[-1].profile if self.record.phases else None
        phase = DrivenPhase(
            name, name, CLOCK.now(), users=size.users, iterations=size.iterations,
            rate_per_s=size.rate_per_s, duration_s=size.duration_s,
        )  # fmt: skip
        self._keep(phase)
        if before and not driver.went_well(before):
            error = f"not driven, since no iteration of {before} succeeded"
        else:
            with self.progress.stage(name) as stage:
                error = redact(driver.drive(name, self._follow(driver, name)), self.folder.secrets)
                stage.words.append(driver.summary(name))
        if INTERRUPTS.first is None or error or driver.has_recorded(name):
            self._keep(replace(phase, finished_at=CLOCK.now(), error=error))
        else:
            self._write(replace(self.record, phases=self.record.phases[:-1]))

    def _follow(self, driver: Driver, name: str) -> OnProgress:
        """Return what shows the progress of a load, and notices a clock that is set meanwhile."""
        self.snapshots.clear()
        followed = LoadProgress(self.plan, name, self.folder)

        def show(ended: int, scheduled: int | None) -> None:
            CLOCK.now_at()
            if snapshot := followed.snapshot(ended, scheduled, driver.dropped):
                self.snapshots.append(snapshot)
                self.progress.show_load(snapshot)

        return show

    def _keep(self, phase: DrivenPhase) -> None:
        self._write(with_phase(self.record, phase))

    def _record_lost(self, process: LostProcess) -> None:
        """Record a process of the local stack that did not last."""
        part = LostPart(process.name, process.code, is_supervisor=process.name == SUPERVISOR)
        self._write(replace(self.record, lost=(*self.record.lost, part)))

    def _interrupt(self, cause: Cause, detail: str) -> None:
        stage = self.stage if self.record.phases else Stage.SETUP
        detail = redact(detail, self.folder.secrets)
        self._write(replace(self.record, interruption=Interruption(stage, cause, detail)))

    def _write(self, record: Run) -> None:
        self.record = record
        self.folder.write_run(record)


def signal_name() -> str:
    """Return the name of the signal that interrupted this process."""
    return INTERRUPTS.first.name if INTERRUPTS.first else "KeyboardInterrupt"
