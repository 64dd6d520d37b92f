"""Drive each profile of a run: one user in this process, several by Locust."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.environment import Environment
from config.errors import ConfigError
from config.redaction import Secrets
from scenarios.driver.data import DataRows, data_rows, iterations_before
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.load_process import (
    ALONE,
    LoadProcess,
    LoadSettings,
    OnProgress,
    Workers,
    load_process,
)
from scenarios.driver.load_size import UNCHANGED, LoadSize
from scenarios.driver.plan import header_problems
from scenarios.driver.setup import failure_in, outside, set_up, tear_down
from scenarios.driver.single_user import drive_alone
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.recording import OUTSIDE
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.attachments import read_attachments
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.tables import Tables

SETUP, TEARDOWN = OUTSIDE


@dataclass(frozen=True)
class DriverContext:
    """What the profiles of a run are driven against, and where they are recorded."""

    scenario: Scenario
    environment: Environment
    scenario_path: Path
    environment_path: Path
    folder: RunFolder
    run_id: str
    tenant: str
    variables: Mapping[str, str]
    workers: Workers = ALONE
    tables: Tables = field(default_factory=dict)
    size: LoadSize = UNCHANGED

    def data_rows(
        self, profile: Profile, secrets: Secrets, earlier: Sequence[int] = ()
    ) -> DataRows:
        """Return the data rows of a profile that one process drives, after earlier ones."""
        return data_rows(
            self.scenario, self.environment, self.tables, profile, secrets, earlier=earlier
        )


class Driver:
    """Drives profiles, one after the other.

    The Locust processes of all loads are started beforehand, so that a run does not wait between
    its profiles.
    """

    def __init__(
        self,
        context: DriverContext,
        profiles: Mapping[str, Profile],
        flow: Flow,
        loads: Mapping[str, LoadProcess],
    ) -> None:
        """Take the processes of the loads, by profile; use `ready_driver` to start them."""
        self._context = context
        self._profiles = profiles
        self._flow = flow
        self._loads = loads
        self._running: LoadProcess | None = None
        self._is_stopped = False

    def set_up(self) -> str:
        """Run the set-up of the run; return why it failed, or ""."""
        if not self._flow.setup:
            return ""
        with outside(self._flow, self._context.folder.exchanges, SETUP) as (client, recorder):
            is_ok = set_up(self._flow, client, recorder)
        return "" if is_ok else failure_in(recorder.path)

    def tear_down(self) -> None:
        """Run the teardown of the run."""
        if self._flow.teardown:
            with outside(self._flow, self._context.folder.exchanges, TEARDOWN) as opened:
                tear_down(self._flow, *opened)

    def drive(self, name: str, on_progress: OnProgress) -> str:
        """Drive a profile to its end; return the error of the load generator, or ""."""
        self._running = self._loads.get(name)
        if self._is_stopped:
            return ""
        if self._running:
            return self._running.drive(on_progress, self._flow.shared)
        folder = self._context.folder.exchanges
        profile = self._profiles[name]
        earlier = _earlier(self._profiles, name)
        rows = self._context.data_rows(profile, self._flow.secrets, earlier)
        drive_alone(self._flow, name, profile, folder, name, lambda: self._is_stopped, rows)
        return ""

    @property
    def dropped(self) -> int:
        """How many iterations of the running load were dropped so far."""
        return self._running.dropped if self._running else 0

    def stop(self) -> None:
        """Have no further iteration started, of any profile; those that run come to their end.

        A signal handler may call this.
        """
        self._is_stopped = True
        if self._running:
            self._running.stop_load()

    def has_recorded(self, name: str) -> bool:
        """Return whether a generator of a profile began its recording."""
        return bool(read_recordings(self._context.folder.exchanges, name))

    def summary(self, name: str) -> str:
        """Return the number of requests, and how many were not as expected, as a text."""
        exchanges = self._exchanges(name)
        sent = sum(map(len, exchanges))
        wrong = sent - sum(int(part.ok.sum()) for part in exchanges)
        counts = f"{sent:,} requests"
        return f"{counts}, {wrong:,} not as expected" if wrong else counts

    def went_well(self, name: str) -> bool:
        """Return whether at least one iteration came to its end, every step as expected."""
        return any(part.iterations.is_complete.any() for part in self._exchanges(name))

    def _exchanges(self, name: str) -> list[Exchanges]:
        read = read_recordings(self._context.folder.exchanges, name)
        return [recording.exchanges for recording in read]


@contextmanager
def ready_driver(context: DriverContext, profiles: Mapping[str, Profile]) -> Iterator[Driver]:
    """Compile the flow, and start the Locust processes of the loads; stop them afterwards.

    Raises ConfigError for a header without a value, and for an address that cannot be bound.
    """
    problems = header_problems(context.environment, context.environment_path)
    if problems:
        raise ConfigError(*problems)
    flow = compile_flow(
        context.scenario, context.environment, context.run_id, context.tenant,
        context.folder.secrets, read_attachments(context.scenario, context.scenario_path),
    )  # fmt: skip
    with ExitStack() as held:
        held.callback(context.folder.redact_logs)  # after the processes have ended
        loads = {
            name: held.enter_context(
                load_process(_settings(context, name, profiles), context.variables)
            )
            for name, profile in profiles.items()
            if profile.is_open or profile.virtual_users > 1 or context.workers
        }
        yield Driver(context, profiles, flow, loads)


def _earlier(profiles: Mapping[str, Profile], name: str) -> tuple[int, ...]:
    """Return the iterations before a profile; of unique rows, none is unknown."""
    return tuple(number or 0 for number in iterations_before(profiles, name))


def _settings(context: DriverContext, name: str, profiles: Mapping[str, Profile]) -> LoadSettings:
    profile = profiles[name]
    return LoadSettings(
        run_folder=context.folder.path,
        scenario=context.scenario_path,
        environment=context.environment_path,
        profile=name,
        users=profile.virtual_users,
        iterations=profile.iterations,
        stem=name,
        log=context.folder.path / f"{name}.log",
        rate_per_s=context.size.rate_per_s,
        duration_s=context.size.duration_s,
        workers=context.workers,
        secrets=context.folder.secrets,
        earlier=_earlier(profiles, name),
    )
