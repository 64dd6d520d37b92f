"""The plan of a command: everything is read and validated before any request is sent."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from config.documents import did_you_mean
from config.environment import (
    Environment,
    EnvironmentFile,
    find_environment,
    read_environment,
    read_environment_file,
)
from config.errors import ConfigError, Problem
from config.network import PORTS, parse_host_port
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.driver.load_process import ALONE, Workers
from scenarios.language.model import Profile, Scenario
from scenarios.language.reader import find_scenario, read_scenario
from scenarios.language.templates import TemplateError, compile_header, variables_in_header
from scenarios.language.validation import BUILT_IN_VARIABLES

T = TypeVar("T")


@dataclass(frozen=True)
class Local:
    """The stack that can be started here: its faults, and the variables of its addresses."""

    faults: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True)
class PlanRequest:
    """What a command line asks for: environment and scenario by name or file, profiles, a fault.

    `users` and `iterations` replace those of the profiles, where given. `workers` share a load.
    """

    env: str
    scenario: str
    profiles: tuple[str, ...]
    runs: Path
    fault: str
    repeat: str
    users: int | None = None
    iterations: int | None = None
    workers: Workers = ALONE


@dataclass(frozen=True)
class Plan:
    """What a command does, validated before anything is sent; `asked` is what was asked for."""

    asked: PlanRequest
    file: EnvironmentFile
    scenario_path: Path
    scenario: Scenario
    profiles: Mapping[str, Profile]


def read_plan(asked: PlanRequest, local: Local) -> Plan:
    """Read and validate everything that a command names. Raises ConfigError with every mistake."""
    problems: list[Problem] = []
    file = _collect(problems, lambda: read_environment_file(find_environment(asked.env)))
    path = _collect(problems, lambda: find_scenario(asked.scenario))
    scenario = _collect(problems, lambda: read_scenario(path)) if path else None
    profiles: dict[str, Profile] = {}
    if path and scenario:
        problems += _profile_problems(scenario, path, asked)
        profiles = _selected_profiles(scenario, asked)
        problems += _worker_problems(asked.workers, profiles)
    if file:
        _collect(problems, lambda: refuse_fault(asked.fault, file, local.faults))
        # the local stack has no addresses before it is started: a placeholder stands for each
        names = local.variables if file.starts_stack else ()
        known = dict.fromkeys(names, "http://not-started-yet")
        environment = _collect(problems, lambda: read_environment(file.path, known))
        if environment:
            problems += header_problems(environment, file.path)
        if environment and scenario:
            problems += find_conflicts(scenario, environment, file.path, profiles)
    if problems or not (file and path and scenario):
        raise ConfigError(*problems)
    return Plan(asked, file, path, scenario, profiles)


def _selected_profiles(scenario: Scenario, asked: PlanRequest) -> dict[str, Profile]:
    return {
        name: with_load(scenario.profiles[name], asked.users, asked.iterations)
        for name in asked.profiles
        if name in scenario.profiles
    }


def _profile_problems(scenario: Scenario, path: Path, asked: PlanRequest) -> Iterator[Problem]:
    """Yield the profiles that do not exist, then the options that an open model cannot follow."""
    known = list(scenario.profiles)
    for name in asked.profiles:
        if name not in known:
            message = f"no profile is named {name!r}; {did_you_mean(name, known)}"
            yield Problem(path, None, message)
    given = {"--users": asked.users, "--iterations": asked.iterations}
    options = " and ".join(name for name, value in given.items() if value)
    for name in asked.profiles:
        if options and name in known and scenario.profiles[name].is_open:
            yield Problem(None, None, f"{name} is an open model: its rate determines the load; "
                                      f"remove {options}")  # fmt: skip


def _worker_problems(workers: Workers, profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    if workers.elsewhere and not workers.bind:
        yield Problem(None, None, "remote workers need an address to connect to; add "
                                  "--bind HOST:PORT, an address of this machine")  # fmt: skip
    address = parse_host_port(workers.bind)
    if workers.bind and (address is None or address.port is None or address.port not in PORTS):
        yield Problem(None, None, f"--bind {workers.bind} is not HOST:PORT; write for example "
                                  "10.0.0.5:5557 or [::1]:5557")  # fmt: skip
    for name, profile in profiles.items():
        if workers.number > profile.virtual_users:
            yield Problem(None, None, f"{name} has {profile.virtual_users} users, too few for "
                                      f"{workers.number} workers; use fewer workers or more "
                                      "users")  # fmt: skip


def with_load(profile: Profile, users: int | None, iterations: int | None) -> Profile:
    """Return a profile with other users or iterations, where given.

    Iterations replace a duration, and its warm-up. A profile of an open model is returned as it is.
    """
    if profile.is_open:
        return profile
    changes: dict[str, int | None] = {}
    if users:
        changes["users"] = users
    if iterations:
        changes |= {"iterations": iterations, "duration": None, "warm_up": None}
    return profile.model_copy(update=changes)


def refuse_fault(fault: str, file: EnvironmentFile, known: Iterable[str]) -> None:
    """Raise ConfigError for an unknown fault, and for one where no local stack is started."""
    if fault and not file.starts_stack:
        raise ConfigError(Problem(file.path, None, "faults are seeded into the local stack only"))
    if fault and fault not in known:
        message = f"unknown fault {fault!r}; {did_you_mean(fault, list(known))}"
        raise ConfigError(Problem(None, None, message))


def header_problems(environment: Environment, file: Path) -> list[Problem]:
    """Return the headers whose template cannot be evaluated.

    The messages do not quote the templates, which may contain secrets.
    """
    problems = []
    for name, parts in environment.header_parts.items():
        try:
            compile_header(parts)
            unknown = sorted(variables_in_header(parts) - set(BUILT_IN_VARIABLES))
        except TemplateError:
            message = f"the template of the header {name!r} cannot be compiled"
            problems.append(Problem(file, None, message))
            continue
        if unknown:
            message = f"the header {name!r} uses the unknown variable {unknown[0]!r}; known: "
            message += ", ".join(BUILT_IN_VARIABLES)
            problems.append(Problem(file, None, message))
    return problems


def find_conflicts(
    scenario: Scenario, environment: Environment, file: Path, profiles: Mapping[str, Profile]
) -> list[Problem]:
    """Return the services that the environment lacks, and the limits that profiles exceed."""
    services = {step.request_parts()[1] for step in scenario.flow}
    messages = [
        f"there is no address for {name}; add it to services"
        for name in sorted(services - set(environment.services))
    ]
    for name, profile in profiles.items():
        messages += _exceeded_limits(name, profile, environment)
    return [Problem(file, None, message) for message in messages]


def _exceeded_limits(name: str, profile: Profile, environment: Environment) -> Iterator[str]:
    limits, here = environment.load, environment.environment
    if not limits.allowed:
        if is_load(profile):
            yield f"the profile {name!r} is a load, and {here} allows none; e2e is one iteration"
        return
    iterations = _iterations(profile, limits.max_iterations)
    if profile.virtual_users > limits.max_users:
        asks = "asks for" if profile.users or profile.max_users else "without max_users may take"
        yield (f"the profile {name!r} {asks} {profile.virtual_users} users, "
               f"and {here} allows {limits.max_users}")  # fmt: skip
    if iterations > limits.max_iterations:
        yield (f"the profile {name!r} asks for {iterations:,} iterations, "
               f"and {here} allows {limits.max_iterations:,}")  # fmt: skip
    if profile.max_rate_per_s > limits.max_rate:
        yield (f"the profile {name!r} asks for {profile.max_rate_per_s:,.10g} iterations a second, "
               f"and {here} allows {limits.max_rate:,.10g}")  # fmt: skip


def _iterations(profile: Profile, limit: int) -> int:
    """Return the number of iterations of a profile, or 0 if it has none."""
    arrivals = arrivals_of(profile)
    if not isinstance(arrivals, OpenModel):
        return arrivals.iterations or 0
    # counting Poisson arrivals draws each of them: too slow for a number far beyond the limit
    return math.ceil(arrivals.expected) if arrivals.expected > 2 * limit else arrivals.scheduled


def is_load(profile: Profile) -> bool:
    """Return whether a profile is more than one iteration."""
    return profile.is_open or profile.virtual_users > 1 or profile.iterations != 1


def _collect(problems: list[Problem], read: Callable[[], T]) -> T | None:
    """Call `read`; add its problems, if they are new, instead of raising them."""
    try:
        return read()
    except ConfigError as error:
        problems += [problem for problem in error.problems if problem not in problems]
        return None
