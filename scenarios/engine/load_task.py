"""The task of one run of Locust: read from its command line, or received from the master."""

import hashlib
import math
import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from config.clock import CLOCK
from config.environment import find_environment, read_environment
from config.errors import ConfigError, Problem
from config.program import NAME
from config.suggestions import did_you_mean
from scenarios.driver.arrivals import WHOLE, LoadPart, arrivals_of
from scenarios.driver.conflicts import find_load_conflicts
from scenarios.driver.data import data_rows
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.load_size import LoadSize, with_load
from scenarios.driver.load_state import LoadAssignment
from scenarios.evidence.run_folder import RunFolder, new_run_id
from scenarios.language.attachments import Attachments, read_attachments, select_attachments
from scenarios.language.data_files import read_data_files, read_tables
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.reader import find_scenario, read_scenario
from scenarios.language.variables import variables_of

RUNS = Path("runs").absolute()
NEEDS_RUN = f"setup and teardown belong to a whole run: use {NAME} load, not plain Locust"
_UNTIL_STOPPED = "until stopped"


@dataclass(frozen=True)
class LoadTask:
    """The files, the profile and the size of one load.

    `files` are the contents of those that the scenario names, unless they are beside it. `stem`
    names its recording in the folder `exchanges`. Without a profile, the load runs until it
    is stopped.
    """

    scenario: Path
    environment: Path
    profile: str
    run_id: str
    tenant: str
    users: int
    iterations: int
    rate_per_s: float
    duration_s: float
    stem: str
    exchanges: Path
    files: Attachments | None = None
    earlier: tuple[int, ...] = ()
    variables: Mapping[str, str] | None = None

    @property
    def phase(self) -> str:
        """The name of the profile, or of what has none."""
        return self.profile or _UNTIL_STOPPED

    def make_assignment(self, part: LoadPart = WHOLE, is_shipped: bool = False) -> LoadAssignment:
        """Return the part of one process.

        Raises ConfigError for mistakes in the files, and for a load that the environment forbids.
        """
        scenario, environment = read_scenario(self.scenario), read_environment(self.environment)
        files = (
            read_attachments(scenario, self.scenario)
            if self.files is None
            else select_attachments(scenario, self.scenario, self.files)
        )
        tables = read_tables(scenario, self.scenario, self.files)
        name, profile = self.phase, self._profile(scenario)
        if problems := find_load_conflicts(
            scenario, environment, self.scenario, self.environment, {name: profile}
        ):
            raise ConfigError(*problems)
        flow = compile_flow(
            scenario, environment, self.run_id, self.tenant, files=files,
            variables=os.environ if self.variables is None else self.variables,
        )  # fmt: skip
        return LoadAssignment(
            flow=replace(flow, part=_part_of_flows(profile, part)),
            profile=name,
            arrivals=arrivals_of(profile).part(part),
            users=part.of_number(self.users),
            max_iterations=part.of_number(environment.load.max_iterations),
            exchanges=self.exchanges,
            generator=self.stem,
            warm_up_s=profile.warm_up or 0.0,
            abort=profile.abort,
            abort_on=profile.abort_on,
            is_shipped=is_shipped,
            data=data_rows(
                scenario, environment, tables, profile, flow.secrets, part, self.earlier
            ),
        )

    def read_files(self) -> Attachments:
        """Read the files that the scenario names, those of data too. Raises ConfigError."""
        scenario = read_scenario(self.scenario)
        return {
            **read_attachments(scenario, self.scenario),
            **read_data_files(scenario, self.scenario),
        }

    def read_variables(self) -> dict[str, str]:
        """Return the environment variables that the scenario names. Raises ConfigError."""
        return variables_of(read_scenario(self.scenario), os.environ)

    def _profile(self, scenario: Scenario) -> Profile:
        """Return the profile of this task's size; what is 0 is the profile's."""
        if not self.profile:
            return Profile().model_copy(update={"users": self.users, "duration": math.inf})
        if self.profile not in scenario.profiles:
            message = f"no profile is named {self.profile!r}; "
            message += did_you_mean(self.profile, list(scenario.profiles))
            raise ConfigError(Problem(self.scenario, None, message))
        size = LoadSize(
            self.users, self.iterations or None, self.rate_per_s or None, self.duration_s or None
        )
        return with_load(scenario.profiles[self.profile], size)


def _part_of_flows(profile: Profile, part: LoadPart) -> LoadPart:
    """Return the part by which iterations are divided among several flows.

    A load by time has no number of iterations, and one process may be faster than another: then
    each divides its own iterations, from a place in the order of its own.
    """
    is_endless = not profile.is_open and profile.iterations is None
    return LoadPart(part.index, 1) if is_endless else part


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_task(options: Namespace) -> LoadTask:
    """Read Locust's options; without a run folder, record into one of plain Locust's own.

    Raises ConfigError.
    """
    if options.evidence:
        folder = RunFolder(Path(options.evidence))
        run = folder.read_run()
        run_id, tenant, exchanges = run.run_id, run.tenant, folder.exchanges
    else:
        run_id, tenant = new_run_id(CLOCK.now()), str(uuid4())
        exchanges = RunFolder(RUNS / run_id).exchanges
    return LoadTask(
        scenario=find_scenario(options.scenario),
        environment=find_environment(options.environment),
        profile=options.profile or "",
        run_id=run_id,
        tenant=tenant,
        users=options.num_users or 1,
        iterations=options.iterations,
        rate_per_s=options.rate,
        duration_s=options.duration,
        stem=options.stem or "locust",
        exchanges=exchanges,
        earlier=tuple(int(number) for number in options.earlier.split(",") if number),
    )
