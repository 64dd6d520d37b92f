"""How is each profile of a run driven? One user alone in this process, many by Locust."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.environment import Environment
from config.errors import ConfigError, Problem
from scenarios.evidence import RunFolder
from scenarios.exchange import Outcome
from scenarios.flow import Flow, compile_flow
from scenarios.load import LoadOrder, LoadProcess, Progress, load_process
from scenarios.model import Profile, Scenario
from scenarios.recording import iterations_of, read_recordings
from scenarios.rules import ALWAYS_KNOWN
from scenarios.single import drive_alone
from scenarios.templates import TemplateError, compile_text, names_in


@dataclass(frozen=True)
class Place:
    """Where a run's profiles are driven, and with what."""

    scenario: Scenario
    environment: Environment
    environment_path: Path
    folder: RunFolder
    run_id: str
    tenant: str
    variables: Mapping[str, str]


class Driver:
    """Drives profiles; those for many users have a Locust process that is ready beforehand."""

    def __init__(self, place: Place, flow: Flow, loads: Mapping[str, LoadProcess]) -> None:
        """Take what `ready_driver` has prepared."""
        self._place = place
        self._flow = flow
        self._loads = loads

    def drive(self, name: str, on_progress: Progress) -> str:
        """Drive a profile to its end; return what went wrong with the generator (or "")."""
        profile = self._place.scenario.profiles[name]
        if name in self._loads:
            return self._loads[name].drive(on_progress)
        drive_alone(self._flow, name, profile, self._place.folder.exchanges, name)
        return ""

    def summary(self, name: str) -> str:
        """Say how many requests went out and how many of them were not as expected."""
        recordings = read_recordings(self._place.folder.exchanges, name)
        outcomes = [each.outcome for one in recordings for each in one.exchanges]
        wrong = len(outcomes) - outcomes.count(Outcome.OK)
        told = f"{len(outcomes):,} requests"
        return f"{told}, {wrong:,} not as expected" if wrong else told

    def went_well(self, name: str) -> bool:
        """Tell whether every request of at least one iteration was as expected."""
        steps = len(self._place.scenario.flow)
        return any(
            len(exchanges) == steps and all(each.outcome is Outcome.OK for each in exchanges)
            for recording in read_recordings(self._place.folder.exchanges, name)
            for exchanges in iterations_of(recording)
        )


@contextmanager
def ready_driver(place: Place, profiles: tuple[str, ...]) -> Iterator[Driver]:
    """Compile the flow and start what the profiles need, so that each can begin at a word."""
    refuse_bad_headers(place.environment, place.environment_path)
    flow = compile_flow(place.scenario, place.environment, place.run_id, place.tenant)
    with ExitStack() as held:
        loads = {
            name: held.enter_context(load_process(_order(place, name), place.variables))
            for name in profiles
            if place.scenario.profiles[name].users > 1
        }
        yield Driver(place, flow, loads)


def refuse_load(environment: Environment, file: Path, profiles: Mapping[str, Profile]) -> None:
    """Raise ConfigError for a load that the environment does not stand."""
    limits = environment.load
    for name, profile in profiles.items():
        if profile.users > 1 and not limits.allowed:
            message = f"the profile {name!r} is a load, and {environment.environment} allows none"
            raise ConfigError(Problem(file, None, message))
        if profile.users > limits.max_users:
            message = (
                f"the profile {name!r} asks for {profile.users} users, and "
                f"{environment.environment} allows {limits.max_users}"
            )
            raise ConfigError(Problem(file, None, message))


def refuse_bad_headers(environment: Environment, file: Path) -> None:
    """Raise ConfigError for headers whose template can have no value; values are not told."""
    for name, value in environment.headers.items():
        try:
            compile_text(value)
            unknown = sorted(names_in(value) - set(ALWAYS_KNOWN))
        except TemplateError as error:
            message = f"the header {name!r} is not a template that can be read"
            raise ConfigError(Problem(file, None, message)) from error
        if unknown:
            message = f"the header {name!r} uses {unknown[0]!r}; known: {', '.join(ALWAYS_KNOWN)}"
            raise ConfigError(Problem(file, None, message))


def refuse_unknown_services(scenario: Scenario, environment: Environment, file: Path) -> None:
    """Raise ConfigError for a step whose service the environment does not have."""
    unknown = {step.request_parts()[1] for step in scenario.flow} - set(environment.services)
    if unknown:
        message = f"there is no address for {', '.join(sorted(unknown))}; add it to services"
        raise ConfigError(Problem(file, None, message))


def _order(place: Place, name: str) -> LoadOrder:
    return LoadOrder(
        run_folder=place.folder.path,
        scenario=place.folder.evidence / "scenario.yaml",
        environment=place.environment_path,
        profile=name,
        users=place.scenario.profiles[name].users,
        stem=name,
        log=place.folder.path / f"{name}.log",
    )
