"""The plan of a command: everything is read and validated before any request is sent."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from config.documents import parse_document, read_document
from config.environment import (
    Environment,
    EnvironmentFile,
    find_environment,
    read_environment_file,
)
from config.errors import ConfigError, Problem
from config.network import PORTS, parse_host_port
from config.preview import preview_environment
from config.suggestions import did_you_mean, nearest
from config.units import parse_duration, parse_rate
from config.variables import names_of_variables, unset_variable
from config.verbatim import TextPart
from scenarios.driver.conflicts import (
    find_data_conflicts,
    find_load_conflicts,
    find_missing_drivers,
    find_witness_conflicts,
)
from scenarios.driver.load_process import ALONE, Workers
from scenarios.driver.load_size import UNCHANGED, LoadSize, find_size_conflicts, with_load
from scenarios.driver.worker_key import worker_key
from scenarios.language.attachments import read_attachments
from scenarios.language.data_files import read_tables
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.reader import find_scenario, read_scenario
from scenarios.language.step_validation import BUILT_IN_VARIABLES, TRACE_VARIABLE
from scenarios.language.tables import Tables
from scenarios.language.templates import TemplateError, compile_header, variables_in_header
from scenarios.language.variables import find_unusable_variables, texts_sent

T = TypeVar("T")

_OF_HEADERS = (*BUILT_IN_VARIABLES, TRACE_VARIABLE)

EVERY_PROFILE = ("*",)


@dataclass(frozen=True)
class Local:
    """The stack that can be started here: its faults, and the variables of its addresses."""

    faults: tuple[str, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True)
class PlanRequest:
    """What a command line asks for: environment and scenario by name or file, profiles, a fault.

    `users`, `iterations`, `rate` and `duration` replace those of the profiles, where given; the
    last two as written, as in 20/s and 5m. `workers` share a load.
    `EVERY_PROFILE` stands for all that the scenario has. `allow_unset` accepts variables without a
    value, for a command that sends nothing. A command without witnesses counts nothing.
    """

    env: str
    scenario: str
    profiles: tuple[str, ...]
    runs: Path
    fault: str
    repeat: str
    users: int | None = None
    iterations: int | None = None
    rate: str = ""
    duration: str = ""
    workers: Workers = ALONE
    allow_unset: bool = False
    has_witnesses: bool = True


@dataclass(frozen=True)
class Plan:
    """What a command does, validated before anything is sent; `asked` is what was asked for.

    `size` is the load that replaces that of the profiles.
    """

    asked: PlanRequest
    file: EnvironmentFile
    scenario_path: Path
    scenario: Scenario
    profiles: Mapping[str, Profile]
    tables: Tables
    size: LoadSize = UNCHANGED


def read_plan(asked: PlanRequest, local: Local) -> Plan:
    """Read and validate everything that a command names. Raises ConfigError with every mistake."""
    problems: list[Problem] = []
    size = _collect(problems, lambda: _size_of(asked)) or UNCHANGED
    file = _collect(problems, lambda: read_environment_file(find_environment(asked.env)))
    path = _collect(problems, lambda: find_scenario(asked.scenario))
    scenario = _collect(problems, lambda: read_scenario(path)) if path else None
    if path and not scenario and not asked.allow_unset:
        problems += unset_variable_problems(path)
    if scenario and path:
        _collect(problems, lambda: read_attachments(scenario, path))
    if scenario and path and not asked.allow_unset:
        problems += variable_problems(scenario, path)
    profiles = _select_profiles(scenario, path, asked, size, problems) if scenario and path else {}
    tables = _collect(problems, lambda: read_tables(scenario, path)) if scenario and path else None
    if scenario and path and tables:
        problems += find_data_conflicts(
            scenario,
            path,
            tables,
            profiles,
            has_end=asked.has_witnesses,
            are_driven=asked.profiles != EVERY_PROFILE,
        )
    problems += _worker_problems(asked.workers, profiles) if scenario else ()
    if file:
        _collect(problems, lambda: refuse_fault(asked.fault, file, local.faults))
        environment = _collect(problems, lambda: _preview(file, local.variables, asked.allow_unset))
        if environment:
            problems += header_problems(environment, file.path)
        if environment and scenario and path:
            files = path, file.path
            problems += find_load_conflicts(scenario, environment, *files, profiles)
            if asked.has_witnesses:
                problems += find_witness_conflicts(scenario, environment, *files)
                problems += find_missing_drivers(environment, files[1])
    if problems or not (file and path and scenario):
        raise ConfigError(*problems)
    return Plan(asked, file, path, scenario, profiles, tables or {}, size)


def _select_profiles(
    scenario: Scenario, path: Path, asked: PlanRequest, size: LoadSize, problems: list[Problem]
) -> dict[str, Profile]:
    """Return the profiles with the load that is asked for; add what is wrong to `problems`."""
    known = list(scenario.profiles)
    names = known if asked.profiles == EVERY_PROFILE else asked.profiles
    for name in names:
        if name not in known:
            message = f"no profile is named {name!r}; {did_you_mean(name, known)}"
            is_free = len(asked.profiles) == 1 and not nearest(name, known)
            message += "; name one with --profile" if is_free else ""
            problems.append(read_document(path).problem(("profiles",), message))
    profiles = {}
    for name in filter(known.__contains__, names):
        profile = scenario.profiles[name]
        problems += (Problem(None, None, each) for each in find_size_conflicts(name, profile, size))
        profiles[name] = with_load(profile, size)
    return profiles


def _size_of(asked: PlanRequest) -> LoadSize:
    """Return the load that is asked for. Raises ConfigError for what is no rate or duration."""
    parsers = {"--rate": (parse_rate, asked.rate), "--duration": (parse_duration, asked.duration)}
    parsed, problems = {}, []
    for option, (parse, text) in parsers.items():
        try:
            parsed[option] = parse(text) if text else None
        except ValueError as error:
            problems.append(Problem(None, None, f"{option}: {error}"))
    if problems:
        raise ConfigError(*problems)
    return LoadSize(asked.users, asked.iterations, parsed["--rate"], parsed["--duration"])


def _worker_problems(workers: Workers, profiles: Mapping[str, Profile]) -> Iterator[Problem]:
    if workers.elsewhere and not workers.bind:
        yield Problem(None, None, "remote workers need an address to connect to; add "
                                  "--bind HOST:PORT, an address of this machine")  # fmt: skip
    address = parse_host_port(workers.bind)
    if workers.bind and (address is None or address.port is None or address.port not in PORTS):
        yield Problem(None, None, f"--bind {workers.bind} is not HOST:PORT; write for example "
                                  "10.0.0.5:5557 or [::1]:5557")  # fmt: skip
    elif workers.bind and not workers.elsewhere:
        yield Problem(None, None, "--bind is for remote workers, and none are expected; add "
                                  "--expect N, or remove --bind")  # fmt: skip
    if workers.elsewhere and address:
        try:
            worker_key(address.host)
        except ConfigError as error:
            yield from error.problems
    for name, profile in profiles.items():
        if workers.number > profile.virtual_users:
            yield Problem(None, None, f"{name} has {profile.virtual_users} users, too few for "
                                      f"{workers.number} workers; use fewer workers or more "
                                      "users")  # fmt: skip


def refuse_fault(fault: str, file: EnvironmentFile, known: Iterable[str]) -> None:
    """Raise ConfigError for an unknown fault, and for one where no local stack is started."""
    if fault and not file.starts_stack:
        raise ConfigError(Problem(file.path, None, "faults are seeded into the local stack only"))
    if fault and fault not in known:
        message = f"unknown fault {fault!r}; {did_you_mean(fault, list(known))}"
        raise ConfigError(Problem(None, None, message))


def variable_problems(scenario: Scenario, path: Path) -> list[Problem]:
    """Return the variables of a scenario that are not set, or do not fit into their place."""
    mistakes = list(find_unusable_variables(scenario, os.environ))
    document = read_document(path) if mistakes else None
    return [document.problem(*each) for each in mistakes if document]


def unset_variable_problems(path: Path) -> list[Problem]:
    """Return the variables that a scenario which cannot be read uses, and that are not set."""
    with suppress(ConfigError):
        document = parse_document(path)
        return [
            document.problem(place, unset_variable(name))
            for place, text in texts_sent(document.content)
            for name in names_of_variables(text)
            if name not in os.environ
        ]
    return []


def header_problems(environment: Environment, file: Path) -> list[Problem]:
    """Return the headers whose template cannot be evaluated.

    The messages do not quote the templates, which may contain secrets.
    """
    mistakes = [
        (place, mistake)
        for place, parts in environment.placed_headers()
        if (mistake := _header_mistake(place[-1], parts))
    ]
    document = read_document(file) if mistakes else None
    return [document.problem(*each) for each in mistakes if document]


def _header_mistake(name: str, parts: tuple[TextPart, ...]) -> str:
    try:
        compile_header(parts)
        unknown = sorted(variables_in_header(parts) - set(_OF_HEADERS))
    except TemplateError:
        return f"the template of the header {name!r} cannot be compiled"
    if not unknown:
        return ""
    hint = did_you_mean(unknown[0], list(_OF_HEADERS))
    return f"the header {name!r} uses the unknown variable {unknown[0]!r}; {hint}"


def _collect(problems: list[Problem], read: Callable[[], T]) -> T | None:
    """Call `read`; add its problems, if they are new, instead of raising them."""
    try:
        return read()
    except ConfigError as error:
        problems += [problem for problem in error.problems if problem not in problems]
        return None


def _preview(file: EnvironmentFile, of_stack: Iterable[str], allow_unset: bool) -> Environment:
    """Read an environment before its stack is started, and perhaps without its secrets."""
    unknown = frozenset(of_stack) if file.starts_stack else frozenset[str]()
    return preview_environment(
        file.path, lambda name: name in unknown or (allow_unset and name not in os.environ)
    )
