"""The folder that a run leaves on disk: the interface between driving, judging and reporting.

runs/ID/
    evidence/                  what the run observed; never changed by judging
        run.json               what was driven, where and when (`Run`)
        scenario.yaml          the scenario; a literal secret is redacted
        environment.yaml       the environment, likewise; ${…} is not replaced
        exchanges/             the recording of each generator: STEM.rows, STEM.jsonl
        probes/SERVICE.jsonl   of a watch: every health probe
        ledger.json            the sums of the exchanges, for people
        history.json           the earlier runs to which this one is compared
        manifest.json          the SHA-256 of each of these files (`manifest`)
        witnesses/             every response of a witness, verbatim but for secrets
    result.json                the judgement (`checks.result`), and its renderings beside it
"""

import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, TypeAdapter, ValidationError

from config.clock import ClockStep
from config.errors import ConfigError, Problem
from config.redaction import Secrets, redact, redact_document, redact_yaml
from scenarios.evidence.files import (
    MAX_DATA_BYTES,
    files_in,
    is_there,
    make_folder,
    plain_name,
    read_document,
    read_file,
    refuse_irregular,
    replacing,
    write_atomically,
)
from scenarios.language.model import Scenario
from scenarios.language.reader import read_scenario

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_RUN_BYTES = 1_000_000
# One in a run's record becomes a part of a path.
FileName = Annotated[str, AfterValidator(plain_name)]


@dataclass(frozen=True, slots=True)
class DrivenPhase:
    """One profile of a run; the names of its recordings begin with `stem`. Times are UTC.

    `error` is why it could not be driven as intended. `users`, `iterations`, `rate_per_s`
    and `duration_s` replace those of the scenario, unless they are None.
    """

    profile: str
    stem: FileName
    started_at: datetime
    finished_at: datetime | None = None
    error: str = ""
    users: int | None = None
    iterations: int | None = None
    rate_per_s: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """The settings of a watch: its end (UTC), and the periods of its probes and of the flow.

    `objective` is the availability objective, a ratio.
    """

    until: datetime
    every_s: float
    flow_every_s: float
    objective: float


class Stage(StrEnum):
    """The parts of a run, in order."""

    SETUP = "setup"  # services, health, baseline: nothing has been sent yet
    LOAD = "load"
    SETTLE = "settle"  # the witnesses are asked after the last response


class Cause(StrEnum):
    """Why a run ended early."""

    SIGNAL = "signal"
    FAULT = "fault"  # of the harness itself
    KILLED = "killed"  # it left no record of its end


@dataclass(frozen=True, slots=True)
class Interruption:
    """An early end of a run: the stage it was in, and why.

    `detail` is for people: the name of the signal, or the error.
    """

    stage: Stage
    cause: Cause
    detail: str = ""


def _run_id(run_id: str) -> str:
    if not _RUN_ID.fullmatch(run_id):
        raise ValueError("a run's id has letters, digits and hyphens")
    return run_id


@dataclass(frozen=True, slots=True)
class LostPart:
    """A process of the local stack that did not last as long as the run.

    `exit_code` is negative for a signal, and None of a process that was suspended. The services
    that it took with it are not listed: if `is_supervisor`, that is all of them.
    """

    name: str
    exit_code: int | None
    is_supervisor: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a run: what was driven, where and when.

    `profiles` are those to be driven, `phases` those that were begun. `headers` are those of the
    requests to each service as the environment file has them, with `${…}` for secrets.
    `trace_header` carried the id of each request. `clock_steps` are those of this machine's wall
    clock. `has_manifest` once nothing is added to the evidence any more. `trace_link` is the
    address of a trace, with `{trace_id}` for its id.
    `prometheus`, `databases` and `apis` are addresses without credentials, `commit` that of the
    scenario or the CI job. A load of plain Locust `asks_witnesses` nothing, and no service for its
    health.
    """

    run_id: Annotated[str, AfterValidator(_run_id)]
    environment: str
    scenario: str
    scenario_sha256: str
    tenant: str
    exclusive: bool
    services: dict[FileName, str]
    headers: dict[FileName, dict[str, str]]
    started_at: datetime
    repeat: str
    versions: dict[str, str]
    fault: str | None = None
    finished_at: datetime | None = None
    interruption: Interruption | None = None
    profiles: tuple[str, ...] = ()
    phases: tuple[DrivenPhase, ...] = ()
    watch: Watch | None = None
    clock_steps: tuple[ClockStep, ...] = ()
    has_manifest: bool = False
    trace_header: str = "X-Trace-ID"
    lost: tuple[LostPart, ...] = ()
    trace_link: str = ""
    prometheus: str = ""
    databases: dict[str, str] = field(default_factory=dict)
    apis: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    asks_witnesses: bool = True

    @property
    def early_end(self) -> Interruption | None:
        """Where and why it ended early, or None. A watch is resumed, and so is never cut short."""
        if self.interruption or self.finished_at or self.watch:
            return self.interruption
        return Interruption(self._last_stage, Cause.KILLED)

    @property
    def not_driven(self) -> tuple[str, ...]:
        """The profiles that were not begun."""
        driven = {phase.profile for phase in self.phases}
        return tuple(name for name in self.profiles if name not in driven)

    @property
    def _last_stage(self) -> Stage:
        if not self.phases:
            return Stage.SETUP
        is_driven = self.phases[-1].finished_at is not None and not self.not_driven
        return Stage.SETTLE if is_driven else Stage.LOAD


_RUN = TypeAdapter(Run)
_LINES_PER_BLOCK = 1_000
_MAX_LOG_BYTES = 256_000_000


@dataclass(frozen=True)
class RunFolder:
    """The paths in one run's folder, and the secrets that must not get into it."""

    path: Path
    secrets: Secrets = field(default_factory=Secrets, compare=False, repr=False)

    @property
    def evidence(self) -> Path:
        """The folder of the evidence."""
        return self.path / "evidence"

    @property
    def exchanges(self) -> Path:
        """The folder of the recordings."""
        return self.evidence / "exchanges"

    @property
    def witnesses(self) -> Path:
        """The folder of the witnesses' responses."""
        return self.evidence / "witnesses"

    @property
    def result(self) -> Path:
        """The file of the result."""
        return self.path / "result.json"

    def write_run(self, run: Run) -> None:
        """Write the run's record atomically."""
        write_atomically(self.evidence / "run.json", _RUN.dump_json(run, indent=2))

    def read_run(self) -> Run:
        """Read the run's record. Raises ConfigError if it is missing or damaged."""
        path = self.evidence / "run.json"
        try:
            return _RUN.validate_json(read_document(path, _MAX_RUN_BYTES))
        except FileNotFoundError as error:
            raise ConfigError(
                Problem(self.path, None, "this is not a run folder: evidence/run.json is missing")
            ) from error
        except (OSError, ValueError) as error:
            message = f"the record is damaged: {_first_mistake(error)}"
            raise ConfigError(Problem(path, None, message)) from error

    def read_scenario(self) -> Scenario:
        """Read the scenario as it was when the run was driven. Raises ConfigError."""
        path = self.evidence / "scenario.yaml"
        try:
            content = read_file(path, _MAX_RUN_BYTES)
        except OSError as error:
            message = f"the run's scenario cannot be read: {error.strerror}"
            raise ConfigError(Problem(path, None, message)) from error
        return read_scenario(path, content)

    def write_witness_file(self, name: str, content: bytes) -> None:
        """Write a witness' response, redacted; `name` is a path in the witnesses' folder."""
        path = self.witnesses / name
        make_folder(path.parent)
        write_atomically(path, redact_document(content, self.secrets))

    def write_witness_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Write lines of a witness as they come, redacted."""
        path, iterator = self.witnesses / name, iter(lines)
        make_folder(path.parent)
        with replacing(path) as file:
            while block := b"".join(islice(iterator, _LINES_PER_BLOCK)):
                file.write(redact_document(block, self.secrets))

    def redact_files(self) -> None:
        """Redact the copies of the scenario and the environment, which may have literal secrets."""
        for name in ("scenario.yaml", "environment.yaml"):
            path = self.evidence / name
            if is_there(path):
                text = read_file(path, _MAX_RUN_BYTES).decode()
                write_atomically(path, redact_yaml(text, self.secrets).encode())

    def redact_witnesses(self) -> None:
        """Redact in the witnesses' files what was learned only after they had been written."""
        for path in files_in(self.witnesses) if self.secrets.learned else ():
            content = read_file(path, MAX_DATA_BYTES)
            redacted = redact_document(content, self.secrets.learned)
            if redacted != content:
                write_atomically(path, redacted)

    def redact_logs(self) -> None:
        """Redact what other processes have written into the logs of this run."""
        # run.log is open in this process, which redacts each line of it
        for path in {*self.path.glob("*.log")} - {self.path / "run.log"}:
            text = read_file(path, _MAX_LOG_BYTES).decode(errors="replace")
            write_atomically(path, redact(text, self.secrets).encode(errors="replace"))


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time; runs started in the same second get different ids."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def create_run_folder(runs: Path, run_id: str, scenario: Path, environment: Path) -> RunFolder:
    """Create a run's folder with copies of its scenario and environment. Raises ConfigError."""
    folder = RunFolder(runs / run_id)
    is_new = not is_there(folder.path)
    try:
        folder.exchanges.mkdir(parents=True)
        folder.witnesses.mkdir()
        write_atomically(folder.evidence / "scenario.yaml", scenario.read_bytes())
        write_atomically(folder.evidence / "environment.yaml", environment.read_bytes())
        # a link is replaced by a rename: `latest` always leads to a run, old or new
        link = runs / f".latest.{run_id}"
        link.symlink_to(run_id)
        link.replace(runs / "latest")
    except OSError as error:
        # of a full disk, nothing is left that looks like a run
        if is_new:
            shutil.rmtree(folder.path, ignore_errors=True)
        message = f"cannot create the run folder here: {error.strerror}"
        raise ConfigError(Problem(runs, None, message)) from error
    return folder


def find_run_folder(runs: Path, name: str) -> RunFolder:
    """Return a run's folder by its path or by its name in `runs`. Raises ConfigError.

    A folder whose evidence has links, FIFOs or devices is refused: it may come from elsewhere.
    """
    for path in (Path(name), runs / name):
        if is_there(path / "evidence"):
            folder = RunFolder(path.resolve())
            refuse_irregular(folder.evidence)
            return folder
    raise ConfigError(Problem(Path(name), None, f"no such run, neither here nor in {runs}"))


def with_phase(run: Run, phase: DrivenPhase) -> Run:
    """Return the run with a phase added, in place of one with the same stem."""
    others = tuple(other for other in run.phases if other.stem != phase.stem)
    return replace(run, phases=(*others, phase))


def _first_mistake(error: OSError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
