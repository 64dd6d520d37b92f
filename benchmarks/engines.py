"""How many requests does a CPU second of the load engine send, beside Locust's clients and k6?

    .venv/bin/python -m benchmarks.engines [--rounds 5] [--seconds 10] [--users 10]

All drive the same flow of three steps, closed loop, against an nginx of one worker that answers
constants. They take turns, each round in another order. Between two instants within each tool's
steady state, nginx says what it has served, and the kernel how much CPU the tool's process tree has
used.
It needs nginx (Debian: nginx-light).
"""

import argparse
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.engine_recordings import recording_folder, take_recordings, went_wrong
from benchmarks.engine_table import Measured, between, render_tools
from benchmarks.engine_targets import Nginx, nginx, nginx_version
from benchmarks.engine_tools import Tool, all_tools
from checks.history.machine import machine_here
from scenarios.evidence.recording import Recording

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
    commands: Sequence[list[str]],
    target: Nginx,
    seconds: float,
    folder: Path,
    ours: bool,
    on_start: Callable[[list[int]], None] = lambda _: None,
) -> Measured:
    """Run a generator, several processes perhaps, to its end, and measure it in between.

    What this project's engine recorded, as the first process says where, must be without fault and
    as many as nginx has served; it is removed. `on_start` is told the processes' ids.
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
        ids = [each.pid for each in generators]
        on_start(ids)
        _wait_until_asked(target, before, generators, logs)
        time.sleep(_STEADY_AFTER_S)
        place = recording_folder(ids[0], logs[0]) if ours else None
        first = target.look(ids)
        time.sleep(seconds)
        last = target.look(ids)
        _expect_good_ends(list(zip(generators, logs, strict=True)))
    if place:
        _expect_good_recordings(take_recordings(place), target, before)
    return between(first, last)


def compare_tools(
    tools: Sequence[Tool], target: Nginx, rounds: int, seconds: float, users: int, folder: Path
) -> dict[str, list[Measured]]:
    """Let the tools take turns; return what each round measured, by the tool's name."""
    told: dict[str, list[Measured]] = {tool.name: [] for tool in tools}
    for number in range(rounds):
        for tool in turn_order(tools, number):
            command = tool.command(target.url, users, run_seconds(seconds), folder)
            measured = run_once([command], target, seconds, folder, tool.name == _OURS)
            told[tool.name].append(measured)
            print(f"round {number + 1}: {tool.name:20} {_in_short(measured)}", flush=True)
    return told


def run_seconds(seconds: float) -> int:
    """Return how long a generator has to run for that it can be measured for some seconds."""
    return math.ceil(_STEADY_AFTER_S + seconds + _ROOM_S)  # Locust takes whole seconds only


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
    raise SystemExit("nothing was sent:\n" + _tail(logs[0]))


def _expect_good_ends(generators: list[tuple[subprocess.Popen[bytes], Path]]) -> None:
    for process, log in generators:
        if process.poll() is not None:
            raise SystemExit(f"it ended before the second instant:\n{_tail(log)}")
    for process, log in generators:
        if process.wait(_END_S):
            raise SystemExit(f"it says that something went wrong:\n{_tail(log)}")


def _expect_good_recordings(recordings: Sequence[Recording], target: Nginx, before: int) -> None:
    served = target.served() - before
    sent = sum(len(each.exchanges) for each in recordings)
    cut_off = sum(each.cut_off for recording in recordings for each in recording.exchanges)
    wrong = sum(map(went_wrong, recordings))
    if wrong or not sent - cut_off <= served <= sent:
        raise SystemExit(f"{wrong} of our {sent} exchanges went wrong; nginx served {served}")


def _tail(log: Path) -> str:
    return log.read_text()[-_LOG_TAIL:]


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
    asked = parser.parse_args()
    cores = psutil.cpu_count() or 1
    print(f"{machine_text()}; load before: {os.getloadavg()[0]:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        tools = all_tools()
        told = compare_tools(tools, target, asked.rounds, asked.seconds, asked.users, Path(place))
        print("\n" + render_tools(tools, told, cores))


if __name__ == "__main__":
    main()
