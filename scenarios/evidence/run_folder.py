"""What does a run leave on disk, and where? The interface between the stages.

runs/ID/evidence/run.json                     what was driven, where, when
                 scenario.yaml                 the scenario, verbatim
                 environment.yaml              the environment, verbatim: ${…} not replaced
                 exchanges/PROFILE.rows, .jsonl  what each generator did: rows, and its notes
                 probes/SERVICE.jsonl          of a watch: every look at a service's health
                 ledger.json                   the exchanges' sum, for people
                 history.json                  the earlier runs that this one can be compared with
                 witnesses/                    every figure read, verbatim
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.errors import ConfigError, Problem
from scenarios.language.model import Scenario
from scenarios.language.reader import read_scenario


@dataclass(frozen=True, slots=True)
class DrivenPhase:
    """One profile of a run: its exchange files begin with `stem`. Times are UTC.

    `users` and `iterations` were asked for instead of the scenario's, where they are not None.
    """

    profile: str
    stem: str
    started_at: datetime
    finished_at: datetime | None = None
    trouble: str = ""
    users: int | None = None
    iterations: int | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watch is to do: until when (UTC), how often it probes and passes through the flow.

    Services are to be there for at least the share `objective` of the time.
    """

    until: datetime
    every_s: float
    flow_every_s: float
    objective: float


@dataclass(frozen=True, slots=True)
class Run:
    """What was driven, where and when; `interrupted` says why it ended early, if it did.

    `headers` are those of every request, as the environment's file writes them: with `${…}`.
    """

    run_id: str
    environment: str
    scenario: str
    scenario_sha256: str
    tenant: str
    exclusive: bool
    services: dict[str, str]
    headers: dict[str, str]
    started_at: datetime
    repeat: str
    versions: dict[str, str]
    fault: str | None = None
    finished_at: datetime | None = None
    interrupted: str = ""
    phases: tuple[DrivenPhase, ...] = ()
    watch: Watch | None = None


_RUN = TypeAdapter(Run)


@dataclass(frozen=True)
class RunFolder:
    """The places in one run's folder."""

    path: Path

    @property
    def evidence(self) -> Path:
        """Where the run's evidence lies."""
        return self.path / "evidence"

    @property
    def exchanges(self) -> Path:
        """Where the exchange files lie."""
        return self.evidence / "exchanges"

    @property
    def witnesses(self) -> Path:
        """Where the witnesses' answers lie."""
        return self.evidence / "witnesses"

    @property
    def result(self) -> Path:
        """The judged result."""
        return self.path / "result.json"

    def write_run(self, run: Run) -> None:
        """Write the run's record, whole or not at all."""
        write_whole(self.evidence / "run.json", _RUN.dump_json(run, indent=2))

    def read_run(self) -> Run:
        """Read the run's record. Raises ConfigError where there is none."""
        path = self.evidence / "run.json"
        try:
            return _RUN.validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise ConfigError(
                Problem(self.path, None, "this is no run: it has no evidence/run.json")
            ) from error
        except ValueError as error:
            raise ConfigError(Problem(path, None, f"the record is damaged: {error}")) from error

    def read_scenario(self) -> Scenario:
        """Read the scenario as it was when the run was driven. Raises ConfigError."""
        return read_scenario(self.evidence / "scenario.yaml")

    def write_answer(self, name: str, content: bytes) -> None:
        """Write what a witness answered, verbatim."""
        path = self.witnesses / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


def new_run_id(now: datetime) -> str:
    """Return an id that sorts by time and differs between runs begun at once."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def create_run_folder(runs: Path, run_id: str, scenario: Path, environment: Path) -> RunFolder:
    """Make a run's folder with verbatim copies of what it follows. Raises ConfigError."""
    folder = RunFolder(runs / run_id)
    try:
        folder.exchanges.mkdir(parents=True)
        folder.witnesses.mkdir()
        write_whole(folder.evidence / "scenario.yaml", scenario.read_bytes())
        write_whole(folder.evidence / "environment.yaml", environment.read_bytes())
        _point_latest(runs, run_id)
    except OSError as error:
        message = f"the run's folder cannot be made here: {error.strerror}"
        raise ConfigError(Problem(runs, None, message)) from error
    return folder


def find_run(runs: Path, name: str) -> RunFolder:
    """Return a run's folder by its path, or by its name in `runs`. Raises ConfigError."""
    for path in (Path(name), runs / name):
        if (path / "evidence").is_dir():
            return RunFolder(path.resolve())
    raise ConfigError(Problem(Path(name), None, f"there is no such run, nor one in {runs}"))


def with_phase(run: Run, phase: DrivenPhase) -> Run:
    """Return the run with a phase added, or replaced where its stem is there already."""
    others = tuple(each for each in run.phases if each.stem != phase.stem)
    return replace(run, phases=(*others, phase))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSON-lines file; a torn last line, from a kill, ends it."""
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:
                return


def _point_latest(runs: Path, run_id: str) -> None:
    unfinished = runs / f".latest.{run_id}"
    unfinished.symlink_to(run_id)
    unfinished.replace(runs / "latest")
