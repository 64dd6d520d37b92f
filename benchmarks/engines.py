"""How many requests does a CPU second of the load engine send, beside Locust's clients and k6?

    .venv/bin/python -m benchmarks.engines [--rounds 5] [--seconds 10] [--users 10]
    .venv/bin/python -m benchmarks.engines --workers 2 [--rounds 5]

All drive the same flow of three steps, closed loop, against an nginx of one worker that answers
constants. They take turns, each round in another order. Between two instants within each tool's
steady state, nginx says what it has served, and the kernel how much CPU the tool's process tree has
used. With `--workers`, one process of this project's engine is compared with several at once.
It needs nginx (Debian: nginx-light).
"""

import argparse
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.engine_ours import recording_folder, take_recording, went_wrong
from benchmarks.engine_table import Measured, between, render_tools, render_workers
from benchmarks.engine_targets import Nginx, nginx, nginx_version
from benchmarks.engine_tools import Tool, all_tools, our_command
from checks.machine import machine_here
from scenarios.recording import Recording

_STEADY_AFTER_S = 3.0
_ROOM_S = 2.5  # what a tool goes on for after the second instant
_BEGIN_S = 30.0
_END_S = 60.0
_POLL_S = 0.1
_LOG_TAIL = 2_000
_OURS = "Trial Balance"


def turn_order(tools: Sequence[Tool], number: int) -> list[Tool]:
    """Return the order of a round (from 0): rotated by one each, every other one backwards."""
    at = number % len(tools)
    turned = [*tools[at:], *tools[:at]]
    return turned[::-1] if number % 2 else turned


def run_once(
    commands: Sequence[list[str]], target: Nginx, seconds: float, folder: Path, ours: bool
) -> Measured:
    """Run generators at once, to their end, and measure them in between.

    What this project's engine recorded must be without fault and as many as nginx has served; it
    is removed.
    """
    before = target.served()
    with ExitStack() as held:
        logs = [folder / f"generator-{number}.log" for number in range(len(commands))]
        generators = []
        for command, log in zip(commands, logs, strict=True):
            file = held.enter_context(log.open("w"))
            process = held.enter_context(subprocess.Popen(command, stdout=file, stderr=file))
            held.callback(process.terminate)
            generators.append(process)
        _wait_until_asked(target, before, generators, logs)
        time.sleep(_STEADY_AFTER_S)
        pairs = list(zip(generators, logs, strict=True))
        places = [recording_folder(each.pid, log) for each, log in pairs] if ours else []
        ids = [each.pid for each in generators]
        first = target.look(ids)
        time.sleep(seconds)
        last = target.look(ids)
        for process, log in pairs:
            _expect_good_end(process, log)
    if places:
        _expect_good_recordings([take_recording(place) for place in places], target, before)
    return between(first, last)


def compare_tools(
    tools: Sequence[Tool], target: Nginx, rounds: int, seconds: float, users: int, folder: Path
) -> dict[str, list[Measured]]:
    """Let the tools take turns; return what each round measured, by the tool's name."""
    told: dict[str, list[Measured]] = {tool.name: [] for tool in tools}
    for number in range(rounds):
        for tool in turn_order(tools, number):
            command = tool.command(target.url, users, _run_s(seconds), folder)
            measured = run_once([command], target, seconds, folder, tool.name == _OURS)
            told[tool.name].append(measured)
            print(f"round {number + 1}: {tool.name:20} {_in_short(measured)}", flush=True)
    return told


def compare_workers(
    workers: int, target: Nginx, rounds: int, seconds: float, users: int, folder: Path
) -> dict[int, list[Measured]]:
    """Let one process of ours and several take turns, with as many users in all."""
    told: dict[int, list[Measured]] = {1: [], workers: []}
    for number in range(rounds):
        for processes in (1, workers) if number % 2 else (workers, 1):
            each = max(1, users // processes)
            command = our_command(target.url, each, _run_s(seconds), folder)
            measured = run_once([command] * processes, target, seconds, folder, ours=True)
            told[processes].append(measured)
            print(f"round {number + 1}: {processes} processes {_in_short(measured)}", flush=True)
    return told


def machine_text() -> str:
    """Return processor, cores and the target's version in one line."""
    return f"{machine_here()}; nginx {nginx_version()}, one worker"


def _wait_until_asked(
    target: Nginx, before: int, generators: list[subprocess.Popen[bytes]], logs: list[Path]
) -> None:
    until_s = time.monotonic() + _BEGIN_S
    while time.monotonic() < until_s and all(each.poll() is None for each in generators):
        if target.served() > before:
            return
        time.sleep(_POLL_S)
    raise SystemExit("nothing was sent:\n" + logs[0].read_text()[-_LOG_TAIL:])


def _expect_good_end(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise SystemExit(f"it ended before the second instant:\n{log.read_text()[-_LOG_TAIL:]}")
    if process.wait(_END_S):
        raise SystemExit(f"it says that something went wrong:\n{log.read_text()[-_LOG_TAIL:]}")


def _expect_good_recordings(recordings: list[Recording], target: Nginx, before: int) -> None:
    served = target.served() - before
    sent = sum(len(each.exchanges) for each in recordings)
    cut_off = sum(each.cut_off for recording in recordings for each in recording.exchanges)
    wrong = sum(map(went_wrong, recordings))
    if wrong or not sent - cut_off <= served <= sent:
        raise SystemExit(f"{wrong} of our {sent} exchanges went wrong; nginx served {served}")


def _run_s(seconds: float) -> int:
    return math.ceil(_STEADY_AFTER_S + seconds + _ROOM_S)  # Locust takes whole seconds only


def _in_short(measured: Measured) -> str:
    return (
        f"{measured.per_cpu_s:7.0f} a CPU second {measured.per_s:7.0f} a second, "
        f"{measured.generator_cores:.2f} + {measured.target_cores:.2f} cores, "
        f"others {measured.other_cores:.2f}"
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args()
    cores = psutil.cpu_count() or 1
    print(f"{machine_text()}; load before: {os.getloadavg()[0]:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        given = (target, asked.rounds, asked.seconds, asked.users, Path(place))
        if asked.workers:
            print(render_workers(compare_workers(asked.workers, *given), cores))
        else:
            tools = all_tools()
            print("\n" + render_tools(tools, compare_tools(tools, *given), cores))


if __name__ == "__main__":
    main()
