"""Kill random processes of nightlies and of loads with workers, and look at what remains.

    python -m benchmarks.kills --times 100 --seed 1

Each trial starts a command, sends one signal to one of its processes at a random moment, and waits
for its end. SIGSTOP is never followed by SIGCONT: the process stays suspended to the end of the
run, or is killed two seconds later. Prints one line per trial and the tally of verdicts. Exits with
1 if a process or a temporary folder was left, if a command did not end, or if a run passed although
the signal came between the start and the end of its load.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count, islice
from math import inf
from pathlib import Path

import psutil

from scenarios.evidence.recording_reader import read_recordings

ROOT = Path(__file__).resolve().parents[1]

_WITH_SETUP = "SCENARIO WITH SET-UP"  # stands for the path of one
_COMMANDS = (
    ("nightly",), ("load", "--workers", "2"),
    ("load", "--workers", "2", "--scenario", _WITH_SETUP),
)  # fmt: skip
_SETUP = """
setup:
  - {repeat: 5, steps: [{step: prepare, request: GET cards /health}]}
user_setup:
  - {step: arrive, request: GET workflow /health}
teardown:
  - {step: clear up, request: GET onboarding /health}
"""
_MARK = "TRIAL_BALANCE_TRIAL"
_IN_LOAD_RATIO = 0.7  # of the trials, the others hit any moment
_LOAD_S, _RUN_S = 3.0, 20.0  # the spans from which the moments are drawn
_HELD_S = 2.0
_TIMEOUT_S, _ORPHAN_S, _POLL_S = 240.0, 10.0, 0.05
_VERDICTS = {0: "pass", 1: "fail", 2: "wrong input", 3: "inconclusive"}


class Blow(StrEnum):
    """What is sent to a process."""

    KILL = "SIGKILL"
    TERM = "SIGTERM"
    INT = "SIGINT"
    STOP = "SIGSTOP"
    STOP_KILL = "SIGSTOP, then SIGKILL"


@dataclass(frozen=True)
class Trial:
    """One trial as drawn: `choice` in [0, 1) selects the process among those that run then."""

    command: tuple[str, ...]
    blow: Blow
    is_in_load: bool
    after_s: float
    choice: float


@dataclass(frozen=True)
class TrialResult:
    """What became of one trial; `target` is the process that was hit, or "" if all had ended."""

    trial: Trial
    target: str
    is_in_load: bool
    verdict: str
    reason: str
    orphans: tuple[str, ...]
    leftovers: tuple[str, ...]
    duration_s: float

    @property
    def is_wrong(self) -> bool:
        """Whether something was left, did not end, or passed with a part lost during the load."""
        passed = self.verdict == "pass" and self.is_in_load and bool(self.target)
        return passed or self.verdict == "no end" or bool(self.orphans or self.leftovers)

    @property
    def line(self) -> str:
        """The result in one line."""
        moment = "in the load" if self.is_in_load else "elsewhere"
        left = f" LEFT: {', '.join((*self.orphans, *self.leftovers))}" * bool(
            self.orphans or self.leftovers
        )
        wrong = "WRONG " * self.is_wrong
        name = self.trial.command[0] + " with set-up" * (_WITH_SETUP in self.trial.command)
        event = f"{name:7} {self.trial.blow} to {self.target or 'nobody'} {moment}"
        return f"{wrong}{event}: {self.verdict}, {self.duration_s:.0f} s; {self.reason}{left}"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="number of processes to hit")
    parser.add_argument("--seed", type=int, default=1, help="of the random choices")
    parser.add_argument("--jobs", type=int, default=1, help="trials at the same time")
    options = parser.parse_args(arguments)
    results: list[TrialResult] = []
    trials = draw_trials(options.seed)
    with ThreadPoolExecutor(options.jobs) as threads:
        while sum(bool(result.target) for result in results) < options.times:
            for result in threads.map(run_trial, islice(trials, options.jobs)):
                results.append(result)
                print(f"{len(results):3} {result.line}", flush=True)
    print(render_tally(results))
    return int(any(result.is_wrong for result in results))


def draw_trials(seed: int) -> Iterator[Trial]:
    """Yield the trials of a seed, without end."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for number in count():
        is_in_load = chance.random() < _IN_LOAD_RATIO
        yield Trial(
            command=_COMMANDS[number % len(_COMMANDS)],
            blow=chance.choice(list(Blow)),
            is_in_load=is_in_load,
            after_s=chance.uniform(0.0, _LOAD_S if is_in_load else _RUN_S),
            choice=chance.random(),
        )


def run_trial(trial: Trial) -> TrialResult:
    """Run one trial, and end what it left."""
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        temporary, runs = Path(place) / "tmp", Path(place) / "runs"
        temporary.mkdir()
        scenario = write_scenario_with_setup(Path(place))
        words = [str(scenario) if each == _WITH_SETUP else each for each in trial.command]
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "run.py", *words, "--runs", str(runs)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "TMPDIR": str(temporary), _MARK: place},
        )  # fmt: skip
        try:
            _await_moment(process, runs, trial)
            hit_at, target = datetime.now(UTC), _hit(place, trial)
            verdict = _verdict_at_end(process)
            orphans = _orphans(place)
        finally:
            for orphan in _marked(place):
                with suppress(psutil.NoSuchProcess):
                    orphan.kill()
            process.wait()
        return TrialResult(
            trial, target, _was_in_load(runs / "latest", hit_at), verdict,
            _reason(runs / "latest"), orphans, tuple(each.name for each in temporary.iterdir()),
            time.monotonic() - began,
        )  # fmt: skip


def write_scenario_with_setup(place: Path) -> Path:
    """Write the scenario of the local stack with what is before and after its iterations."""
    path = place / "setup.yaml"
    path.write_text((ROOT / "scenarios" / "usage_tracking.yaml").read_text() + _SETUP)
    return path


def render_tally(results: list[TrialResult]) -> str:
    """Return the number of verdicts, and of what is wrong."""
    in_load = [result for result in results if result.is_in_load and result.target]
    others = [result for result in results if result not in in_load]
    lines = [
        f"{len(part)} {where}: "
        + ", ".join(f"{n} {name}" for name, n in Counter(e.verdict for e in part).items())
        for where, part in (("in the load", in_load), ("elsewhere", others))
    ]
    orphans = sum(len(result.orphans) for result in results)
    folders = sum(len(result.leftovers) for result in results)
    wrong = sum(result.is_wrong for result in results)
    return "\n".join([*lines, f"{orphans} orphans, {folders} temporary folders, {wrong} wrong"])


def _await_moment(process: subprocess.Popen[bytes], runs: Path, trial: Trial) -> None:
    """Wait for the moment of a trial, or for the end of the command."""
    recordings = runs / "latest" / "evidence" / "exchanges"
    deadline = time.monotonic() + _TIMEOUT_S
    while trial.is_in_load and time.monotonic() < deadline:
        if process.poll() is not None or any(recordings.glob("benchmark*.rows")):
            break
        time.sleep(_POLL_S)
    with suppress(subprocess.TimeoutExpired):
        process.wait(trial.after_s)


def _hit(mark: str, trial: Trial) -> str:
    """Send the signal to one of the processes; return what it is."""
    running = sorted(_marked(mark), key=lambda each: each.pid)
    if not running:
        return ""
    target = running[int(trial.choice * len(running))]
    with suppress(psutil.NoSuchProcess):
        name = _name_of(target)
        is_stop = trial.blow in (Blow.STOP, Blow.STOP_KILL)
        target.send_signal(signal.SIGSTOP if is_stop else signal.Signals[trial.blow])
        # nobody else ends the command itself
        if trial.blow is Blow.STOP_KILL or (is_stop and name == trial.command[0]):
            time.sleep(_HELD_S)
            target.kill()
        return name
    return ""


def _marked(mark: str) -> list[psutil.Process]:
    """Return the processes of a trial, wherever they are in the tree of processes."""
    return [each for each in psutil.process_iter() if _is_marked(each, mark)]


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _name_of(process: psutil.Process) -> str:
    """Return the role of a process, from its command line."""
    words = process.cmdline()
    if "locust" in words:
        role = {"--worker", "--master"} & set(words)
        return f"locust {role.pop()[2:]}" if role else "locust"
    if "run.py" in words:
        return words[words.index("run.py") + 1]
    module = next((word for word in words if word.startswith("reference_services.")), "")
    return " ".join([module.rpartition(".")[2], *words[3:4]]) if module else process.name()


def _verdict_at_end(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return "no end"
    return _VERDICTS.get(code, f"exit code {code}")


def _orphans(mark: str) -> tuple[str, ...]:
    """Return the processes of a trial that do not end by themselves."""
    deadline = time.monotonic() + _ORPHAN_S
    while (left := _marked(mark)) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return tuple(f"{each.pid} {each.name()}" for each in left)


def _was_in_load(run: Path, at: datetime) -> bool:
    """Return whether a time is between the start and the end of what was measured."""
    try:
        record = json.loads((run / "evidence" / "run.json").read_bytes())
    except (OSError, ValueError):
        return False
    phases = record.get("phases", ())
    if not phases or datetime.fromisoformat(phases[0]["started_at"]) > at:
        return False
    end = phases[-1]["finished_at"]
    recordings = read_recordings(run / "evidence" / "exchanges", phases[-1]["stem"])
    # a generator that has closed its recording has nothing left to lose
    ends = [
        each.start.anchor_at + each.end.window_from_s + each.end.wall_s if each.end else inf
        for each in recordings
    ]
    return at.timestamp() <= min(
        max(ends, default=inf), inf if end is None else datetime.fromisoformat(end).timestamp()
    )


def _reason(run: Path) -> str:
    """Return the lost parts and the errors that the result names."""
    try:
        result = json.loads((run / "result.json").read_bytes())
    except (OSError, ValueError):
        return "no result"
    telling = ("validity/local-stack", "validity/run-complete", "validity/iterations-add-up")
    findings = [each for each in result["findings"] if each["verdict"] != "pass"]
    reasons = [each["observed"] for each in findings if each["id"].startswith(telling)]
    return " | ".join([*reasons, *(each["id"] for each in findings if each["verdict"] == "fail")])


if __name__ == "__main__":
    sys.exit(main())
