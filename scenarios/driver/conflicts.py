"""Find what a scenario asks of an environment that lacks or forbids it; nothing is sent."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from config.documents import read_document
from config.environment import PER_RUN, Environment
from config.errors import Problem
from config.extras import missing_driver, missing_packages
from config.model_keys import Location
from config.suggestions import did_you_mean, nearest
from scenarios.driver.absent_witnesses import find_absent_witnesses
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.driver.data import iterations_before
from scenarios.http.messages import DEFAULT_HEADERS
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.tables import Tables

Conflict = tuple[Location, str]


def find_load_conflicts(
    scenario: Scenario, environment: Environment, scenario_path: Path, environment_path: Path,
    profiles: Mapping[str, Profile],
) -> list[Problem]:  # fmt: skip
    """Return the services that the environment lacks, and the limits that profiles exceed.

    What is lacking has the line of the scenario that needs it; a limit has its own line.
    """
    exceeded: list[Conflict] = [
        (("load",), message)
        for name, profile in profiles.items()
        for message in _exceeded_limits(name, profile, environment)
    ]
    services: Iterator[tuple[Location, str]] = (
        ((*place, "request"), step.request_parts()[1]) for place, step in scenario.placed_steps()
    )
    lacking = list(_lacking(environment, "service", list(environment.services), services))
    lacking += _misspelt_headers(scenario, environment)
    lacking += _trace_headers(scenario, environment)
    exceeded += [
        (place, _of_client(environment))
        for place, _ in environment.placed_headers()
        if place[-1].lower() == environment.trace_header.lower()
    ]
    return [*_problems(scenario_path, lacking), *_problems(environment_path, exceeded)]


def find_data_conflicts(
    scenario: Scenario, path: Path, tables: Tables, profiles: Mapping[str, Profile], *,
    has_end: bool = True, are_driven: bool = True,
) -> list[Problem]:  # fmt: skip
    """Return the data sources whose rows do not fit the profiles.

    Without an end, as in a watch, a source must have none either. `are_driven` if one run drives
    the profiles one after the other.
    """
    conflicts: list[Conflict] = []
    for name, source in scenario.data.items():
        place: Location = ("data", name)
        if not source.stops_at_end:
            continue
        if not has_end:
            message = f"a watch goes on when every row of {name} has been used"
            conflicts.append((place, f"{message}; write at_end: wrap, or order: cyclic"))
            continue
        count = len(tables[name].rows)
        if source.per == "iteration" and are_driven:
            conflicts += ((place, message) for message in _unknown_use(name, profiles))
        for profile_name, profile in profiles.items():
            needed = math.ceil(profile.virtual_users / source.contention)
            if source.per == "user" and needed > count:
                conflicts.append(
                    (
                        place,
                        f"the users of {profile_name!r} need {needed:,} rows, and "
                        f"{name} has {count:,}; add rows, or write at_end: wrap",
                    )
                )
    return _problems(path, conflicts)


def _unknown_use(name: str, profiles: Mapping[str, Profile]) -> Iterator[str]:
    """Yield where it is not known how many unique rows are used before a profile begins."""
    before = iterations_before(profiles, list(profiles)[-1]) if profiles else ()
    for profile_name, iterations in zip(profiles, before, strict=False):
        if iterations is None:
            yield (f"the profile {profile_name!r} lasts for a time, so it is not known how many "
                   f"rows of {name} it leaves; drive it alone by --profile, or write "
                   "at_end: wrap")  # fmt: skip


def find_witness_conflicts(
    scenario: Scenario, environment: Environment, scenario_path: Path, environment_path: Path
) -> list[Problem]:
    """Return the databases, APIs and services that the environment lacks, as witnesses.

    Likewise the checks that need a Prometheus, and the quantities with too few witnesses.
    """
    services: Iterator[tuple[Location, str]] = (
        (("quantities", quantity, "service"), settings.service)
        for quantity, settings in scenario.quantities.items()
        if settings.service is not None
    )
    databases: Iterator[tuple[Location, str]] = (
        (("quantities", quantity, key, name), name)
        for quantity, settings in scenario.quantities.items()
        for key in ("database", "traces")
        for name in getattr(settings, key) or {}
    )
    apis: Iterator[tuple[Location, str]] = (
        (("quantities", quantity, "api", name), name)
        for quantity, settings in scenario.quantities.items()
        for name in settings.api or {}
    )
    lacking = list(_lacking(environment, "database", list(environment.databases), databases))
    lacking += _lacking(environment, "API", list(environment.apis), apis)
    lacking += _absolute_counts(scenario, environment)
    lacking += _lacking(environment, "service", list(environment.services), services)
    lacking += _histogram_conflicts(scenario, environment)
    for index, check in enumerate(scenario.checks.promql if not environment.prometheus else ()):
        lacking.append((("checks", "promql", index), (
            f"the check {check.name!r} asks Prometheus, and {environment.environment} has none; "
            f"add prometheus: {{url: …}} to {environment_path}, or remove the check")))  # fmt: skip
    lacking += _unmatched_selectors(scenario, environment)
    lacking += find_absent_witnesses(scenario, environment)
    return _problems(scenario_path, lacking)


def find_missing_drivers(
    environment: Environment, path: Path, missing: Callable[[str], str] = missing_packages
) -> list[Problem]:
    """Return the databases of the environment whose driver is an extra that is not installed."""
    lacking: list[Conflict] = [
        (("databases", name), message)
        for name, url in environment.databases.items()
        if (message := missing_driver(url, missing))
    ]
    return _problems(path, lacking)


def _histogram_conflicts(scenario: Scenario, environment: Environment) -> Iterator[Conflict]:
    """Yield the objectives on histograms that no witness of the environment can show."""
    objectives = enumerate(scenario.checks.server_latency)
    placed = [(("checks", "server_latency", index), each) for index, each in objectives]
    named = (((*place, "service"), each.service) for place, each in placed if each.service)
    yield from _lacking(environment, "service", list(environment.services), named)
    shown = [each for each in environment.services.values() if each.metrics_urls()]
    for place, _ in placed if not environment.prometheus and not shown else ():
        message = f"no service of {environment.environment} shows metrics, and it has no Prometheus"
        yield place, f"{message}; add metrics to the service, or remove the objective"


def _absolute_counts(scenario: Scenario, environment: Environment) -> Iterator[Conflict]:
    """Yield absolute counts of a tenant that earlier runs have used, too."""
    if environment.tenant == PER_RUN:
        return
    for quantity, settings in scenario.quantities.items():
        for name, request in (settings.api or {}).items():
            if request.absolute:
                message = (f"{environment.environment} has one tenant for all runs, so that counts "
                           "of earlier ones are in it; remove absolute")  # fmt: skip
                yield ("quantities", quantity, "api", name, "absolute"), message


def _problems(path: Path, conflicts: Sequence[Conflict]) -> list[Problem]:
    if not conflicts:
        return []
    document = read_document(path)
    return [document.problem(location, message) for location, message in conflicts]


def _lacking(
    environment: Environment, kind: str, known: list[str], used: Iterable[tuple[Location, str]]
) -> Iterator[Conflict]:
    """Yield where a name is used that the environment lacks."""
    for location, name in used:
        if name not in known:
            hint = did_you_mean(name, known)
            yield location, f"{environment.environment} has no {kind} {name!r}; {hint}"


def _unmatched_selectors(scenario: Scenario, environment: Environment) -> Iterator[Conflict]:
    """Yield the selectors that select nothing of the targets that the environment is of."""
    match = environment.prometheus.match if environment.prometheus else {}
    for name, settings in scenario.quantities.items():
        for each in settings.selector("tenant").matchers if settings.prometheus else ():
            if each.label in match and not each.matches(match):
                message = (
                    f"{each.label}{each.operator}{each.value!r} selects nothing here: "
                    f"prometheus.match of {environment.environment} wants {each.label}: "
                    f"{match[each.label]}; remove the matcher: every query has match"
                )
                yield ("quantities", name, "prometheus"), message


def _trace_headers(scenario: Scenario, environment: Environment) -> Iterator[Conflict]:
    for place, step in scenario.placed_steps():
        for name in step.headers:
            if name.lower() == environment.trace_header.lower():
                yield (*place, "headers", name), _of_client(environment)


def _of_client(environment: Environment) -> str:
    header = environment.trace_header
    return f"the client itself sends {header}, the trace_header of the environment; leave it out"


def _misspelt_headers(scenario: Scenario, environment: Environment) -> Iterator[Conflict]:
    """Yield the headers that are left out, and nearly named like one that would still be sent.

    Others may be sent in another environment.
    """
    for place, step in scenario.placed_steps():
        service = step.request_parts()[1]
        of_service = environment.headers_of(service) if service in environment.services else {}
        sent = [*of_service, *(name for name, _ in DEFAULT_HEADERS)]
        lower = {name.lower(): name for name in sent}
        for name in (name for name, value in step.headers.items() if value is None):
            near = nearest(name.lower(), list(lower))
            if name.lower() not in lower and near:
                yield (
                    (*place, "headers", name),
                    f"no header {name!r} is sent, which could be left out; "
                    f"did you mean {lower[near]}?",
                )


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
