"""Drive each profile of a run: one user in this process, several by Locust."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.environment import Environment
from config.errors import ConfigError
from scenarios.driver.flow import Flow, compile_flow
from scenarios.driver.load_process import (
    ALONE,
    LoadOrder,
    LoadProcess,
    Progress,
    Workers,
    load_process,
)
from scenarios.driver.plan import environment_problems
from scenarios.driver.single_user import drive_alone
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.recording import read_recordings
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Profile, Scenario


@dataclass(frozen=True)
class DriverContext:
    """What the profiles of a run are driven against, and where they are recorded."""

    scenario: Scenario
    environment: Environment
    environment_path: Path
    folder: RunFolder
    run_id: str
    tenant: str
    variables: Mapping[str, str]
    workers: Workers = ALONE


class Driver:
    """Drives profiles; those for many users have a Locust process that is ready beforehand."""

    def __init__(
        self,
        place: DriverContext,
        profiles: Mapping[str, Profile],
        flow: Flow,
        loads: Mapping[str, LoadProcess],
    ) -> None:
        """Take what `ready_driver` has prepared."""
        self._place = place
        self._profiles = profiles
        self._flow = flow
        self._loads = loads

    def drive(self, name: str, on_progress: Progress) -> str:
        """Drive a profile to its end; return the error of the generator, or ""."""
        if name in self._loads:
            return self._loads[name].drive(on_progress)
        folder = self._place.folder.exchanges
        drive_alone(self._flow, name, self._profiles[name], folder, name)
        return ""

    def summary(self, name: str) -> str:
        """Say how many requests went out and how many of them were not as expected."""
        exchanges = self._exchanges(name)
        sent = sum(map(len, exchanges))
        wrong = sent - sum(int(each.ok.sum()) for each in exchanges)
        counts = f"{sent:,} requests"
        return f"{counts}, {wrong:,} not as expected" if wrong else counts

    def went_well(self, name: str) -> bool:
        """Tell whether every request of at least one iteration was as expected."""
        steps = len(self._place.scenario.flow)
        return any(each.iterations.all_ok(steps).any() for each in self._exchanges(name))

    def _exchanges(self, name: str) -> list[Exchanges]:
        read = read_recordings(self._place.folder.exchanges, name)
        return [recording.exchanges for recording in read]


@contextmanager
def ready_driver(place: DriverContext, profiles: Mapping[str, Profile]) -> Iterator[Driver]:
    """Compile the flow and start what the profiles need, so that each can begin at a word."""
    problems = environment_problems(place.environment, place.environment_path)
    if problems:
        raise ConfigError(*problems)
    flow = compile_flow(place.scenario, place.environment, place.run_id, place.tenant)
    with ExitStack() as held:
        loads = {
            name: held.enter_context(load_process(_order(place, name, profile), place.variables))
            for name, profile in profiles.items()
            if profile.is_open or profile.virtual_users > 1 or place.workers
        }
        yield Driver(place, profiles, flow, loads)


def _order(place: DriverContext, name: str, profile: Profile) -> LoadOrder:
    return LoadOrder(
        run_folder=place.folder.path,
        scenario=place.folder.evidence / "scenario.yaml",
        environment=place.environment_path,
        profile=name,
        users=profile.virtual_users,
        iterations=profile.iterations,
        stem=name,
        log=place.folder.path / f"{name}.log",
        workers=place.workers,
    )
