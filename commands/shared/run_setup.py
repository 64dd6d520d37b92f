"""Set a run up: its plan, its folder and record, the services that it meets."""

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from commands.shared.revision import commit_of
from commands.shared.run_log import log_to
from config.clock import CLOCK
from config.environment import (
    EnvironmentFile,
    read_environment,
)
from config.errors import ConfigError, Problem
from config.extras import REFERENCE, missing_packages
from config.program import program_version, typed_command
from config.redaction import Secrets, redact
from config.urls import database_address
from reference_services.faults.catalog import FAULTS
from reference_services.stack.local import VARIABLES, OnLost, local_stack
from reference_services.stack.processes import LostProcess, StackError
from scenarios.driver.driver import DriverContext
from scenarios.driver.load_process import ALONE, Workers
from scenarios.driver.plan import Local, Plan, PlanRequest, read_plan
from scenarios.evidence.run_folder import (
    Run,
    RunFolder,
    create_run_folder,
    new_run_id,
)
from scenarios.language.secrets import secrets_of
from scenarios.language.tables import Tables
from scenarios.language.templates import compile_text, variables_in

_DIGEST_CHARACTERS = 16
LOCAL = Local(tuple(FAULTS), VARIABLES)


def plan_of(
    command: str, env: str, scenario: str, profiles: tuple[str, ...], runs: Path, fault: str,
    *, users: int | None = None, iterations: int | None = None, rate: str = "",
    duration: str = "", workers: Workers = ALONE,
    allow_unset: bool = False,
) -> Plan:  # fmt: skip
    """Read what a command names, and how to repeat it. Raises ConfigError with every mistake."""
    asked = PlanRequest(
        env, scenario, profiles, runs, fault, typed_command(), users, iterations, rate, duration,
        workers, allow_unset,
        has_witnesses=command != "watch",
    )  # fmt: skip
    return read_plan(asked, LOCAL)


def open_run(plan: Plan) -> tuple[RunFolder, Run]:
    """Make the run's folder and its record. Raises ConfigError."""
    now = CLOCK.now()
    run_id = new_run_id(now)
    folder = create_run_folder(plan.asked.runs, run_id, plan.scenario_path, plan.file.path)
    log_to(folder)
    run = Run(
        run_id=run_id,
        environment=plan.file.name,
        scenario=plan.scenario.scenario,
        scenario_sha256=hashlib.sha256(plan.scenario_path.read_bytes()).hexdigest(),
        tenant="",
        exclusive=False,
        services={},
        headers={},
        started_at=now,
        repeat=plan.asked.repeat,
        versions={**versions(), **versions_of_data(plan.tables)},
        fault=plan.asked.fault or None,
        profiles=plan.asked.profiles,
        commit=commit_of(plan.scenario_path.parent),
    )
    folder.write_run(run)
    return folder, run


def ignore_lost(_: LostProcess) -> None:
    """Ignore a lost process of the stack, where nothing is judged."""


@contextmanager
def deployed(
    plan: Plan, folder: RunFolder, run: Run, on_lost: OnLost = ignore_lost
) -> Iterator[DriverContext]:
    """Have the services up: started here for the local environment, elsewhere as they are.

    At the end, `on_lost` is called for each process of the local stack that did not last. From
    its start on, the secrets of both files are known to the run's folder.
    """
    stack = folder.path / "stack"
    with variables_of(plan.file, stack, plan.asked.fault, on_lost) as variables:
        environment = read_environment(plan.file.path, variables)
        folder = replace(folder, secrets=Secrets.of_process(secrets_of(plan.scenario, environment)))
        folder.redact_files()
        log_to(folder)
        yield DriverContext(
            plan.scenario, environment, plan.scenario_path, plan.file.path, folder, run.run_id,
            environment.tenant_of_run(), {**os.environ, **variables}, plan.asked.workers,
            plan.tables, plan.size,
        )  # fmt: skip


@contextmanager
def variables_of(
    file: EnvironmentFile, folder: Path, fault: str, on_lost: OnLost = ignore_lost
) -> Iterator[Mapping[str, str]]:
    """Start the stack that an environment asks for, and yield the variables of its addresses."""
    if not file.starts_stack:
        yield {}
        return
    with started_stack(folder, fault, on_lost) as variables:
        yield variables


@contextmanager
def started_stack(
    folder: Path, fault: str, on_lost: OnLost = ignore_lost
) -> Iterator[Mapping[str, str]]:
    """Start the local stack, and yield the variables of its addresses. Raises ConfigError."""
    if missing := missing_packages(REFERENCE):
        raise ConfigError(Problem(None, None, f"the reference services cannot start: {missing}"))
    with ExitStack() as held:
        try:
            variables = held.enter_context(local_stack(folder, fault or None, on_lost))
        except StackError as error:
            raise ConfigError(Problem(None, None, str(error))) from error
        yield variables


def describe(run: Run, place: DriverContext, plan: Plan) -> Run:
    """Complete the record with what is known once the services are up, and write it."""
    known = {"tenant": place.tenant, "run": run.run_id}
    headers = {
        service: {
            name: redact(value, place.folder.secrets)
            for name, value in recorded_headers(written, known).items()
        }
        for service, written in plan.file.headers.items()
    }
    services = {name: each.url for name, each in place.environment.services.items()}
    links, prometheus = place.environment.links, place.environment.prometheus
    run = replace(
        run, tenant=place.tenant, services=services, headers=headers,
        exclusive=place.environment.exclusive, trace_header=place.environment.trace_header,
        trace_link=redact(links.trace, place.folder.secrets) if links else "",
        prometheus=redact(prometheus.url, place.folder.secrets) if prometheus else "",
        databases={
            name: redact(database_address(url), place.folder.secrets)
            for name, url in place.environment.databases.items()
        },
        apis={
            name: redact(api.url, place.folder.secrets)
            for name, api in place.environment.apis.items()
        },
    )  # fmt: skip
    place.folder.write_run(run)
    return run


def recorded_headers(written: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Return headers as a run records them, with what is known of the whole run.

    `${…}` stays as written, and so does a template whose value differs between iterations.
    """
    return {
        name: compile_text(value)(known) if variables_in(value) <= known.keys() else value
        for name, value in written.items()
    }


def versions_of_data(tables: Tables) -> dict[str, str]:
    """Return which rows each data file has: what is compared with other runs."""
    return {
        f"data {name}": f"{len(table.rows):,} rows, SHA-256 {table.sha256[:_DIGEST_CHARACTERS]}"
        for name, table in tables.items()
        if table.file
    }


def versions() -> dict[str, str]:
    """Return the versions of what measures."""
    packages = ("locust", "httpx", "prometheus-api-client", "pydantic")
    return {
        "trial-balance": program_version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: version(name) for name in packages},
    }
