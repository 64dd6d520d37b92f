"""Compare the requests per CPU second of the load engine with plain Locust and k6.

    .venv/bin/python -m benchmarks.engines [--rounds 5] [--seconds 10] [--users 10]

Every tool drives the same flow of three steps as a closed model against an nginx with constant
responses. The tools take turns, in a different order each round. Per turn, two snapshots within the
steady state take the requests that nginx has served and the CPU time of the tool's process tree:

    start    first request                snapshot 1           snapshot 2      end
      |-----------|--- _STEADY_AFTER_S ------|----- seconds -------|-- margin --|

Needs nginx (Debian: nginx-light).
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

from benchmarks.engine_recordings import count_failed, pop_recordings, recording_folder
from benchmarks.engine_table import LoadMeasurement, measurement_between, render_tools
from benchmarks.engine_targets import Nginx, nginx, nginx_version
from benchmarks.engine_tools import Tool, all_tools
from checks.history.machine import machine_here
from scenarios.evidence.recording import Recording

_STEADY_AFTER_S = 3.0
# The tool must still be running at the second snapshot. Locust starts its run time before it calls
# the locustfile, which on a busy machine reads its files for seconds before the first request.
_MARGIN_S = 6.0
_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 60.0
_POLL_S = 0.1
_LOG_TAIL = 2_000


def turn_order(tools: Sequence[Tool], number: int) -> list[Tool]:
    """Return the order of a round (from 0): rotated by one per round, and reversed if odd."""
    start = number % len(tools)
    rotated = [*tools[start:], *tools[:start]]
    return rotated[::-1] if number % 2 else rotated


def run_once(
    commands: Sequence[list[str]],
    target: Nginx,
    seconds: float,
    folder: Path,
    ours: bool,
    on_start: Callable[[list[int]], None] = lambda _: None,
) -> LoadMeasurement:
    """Run a load generator of one or more processes to its end, and measure its steady state.

    If it is `ours`, its recording is checked against nginx's count and then removed; the log of the
    first process names the folder. `on_start` receives the process ids. Exits if the generator
    fails, sends nothing, or ends before the second snapshot.
    """
    before = target.served()
    with ExitStack() as stack:
        logs = [folder / f"generator-{number}.log" for number in range(len(commands))]
        generators = []
        for command, log in zip(commands, logs, strict=True):
            file = stack.enter_context(log.open("w"))
            process = stack.enter_context(subprocess.Popen(command, stdout=file, stderr=file))
            stack.callback(process.terminate)
            generators.append(process)
        ids = [process.pid for process in generators]
        on_start(ids)
        _wait_for_first_request(target, before, generators, logs)
        time.sleep(_STEADY_AFTER_S)
        place = recording_folder(ids[0], logs[0]) if ours else None
        first = target.snapshot(ids)
        time.sleep(seconds)
        last = target.snapshot(ids)
        _check_exit_codes(list(zip(generators, logs, strict=True)))
    if place:
        _check_recordings(pop_recordings(place), target, before)
    return measurement_between(first, last)


def compare_tools(
    tools: Sequence[Tool], target: Nginx, rounds: int, seconds: float, users: int, folder: Path
) -> dict[str, list[LoadMeasurement]]:
    """Alternate the tools; return the measurement of each round, by the tool's name."""
    measurements: dict[str, list[LoadMeasurement]] = {tool.name: [] for tool in tools}
    for number in range(rounds):
        for tool in turn_order(tools, number):
            command = tool.command(target.url, users, run_duration_s(seconds), folder)
            measured = run_once([command], target, seconds, folder, tool.records)
            measurements[tool.name].append(measured)
            print(f"round {number + 1}: {tool.name:20} {_summary(measured)}", flush=True)
    return measurements


def run_duration_s(seconds: float) -> int:
    """Return the run time of a generator, in seconds, for a measurement of this length."""
    return math.ceil(_STEADY_AFTER_S + seconds + _MARGIN_S)  # Locust accepts whole seconds only


def machine_text() -> str:
    """Return the processor, its cores and the version of nginx in one line."""
    return f"{machine_here()}; nginx {nginx_version()}, one worker"


def _wait_for_first_request(
    target: Nginx, before: int, generators: list[subprocess.Popen[bytes]], logs: list[Path]
) -> None:
    until_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < until_s and all(process.poll() is None for process in generators):
        if target.served() > before:
            return
        time.sleep(_POLL_S)
    raise SystemExit("the load generator sent no request:\n" + _tail(logs[0]))


def _check_exit_codes(generators: list[tuple[subprocess.Popen[bytes], Path]]) -> None:
    for process, log in generators:
        if process.poll() is not None:
            raise SystemExit(f"the load generator ended before the second snapshot:\n{_tail(log)}")
    for process, log in generators:
        if process.wait(_END_TIMEOUT_S):
            raise SystemExit(f"the load generator reported an error:\n{_tail(log)}")


def _check_recordings(recordings: Sequence[Recording], target: Nginx, before: int) -> None:
    served = target.served() - before
    sent = sum(len(recording.exchanges) for recording in recordings)
    # nginx may or may not have counted a request that the end of the run cut off.
    cut_off = sum(each.cut_off for recording in recordings for each in recording.exchanges)
    failed = sum(map(count_failed, recordings))
    if failed or not sent - cut_off <= served <= sent:
        raise SystemExit(f"{failed} of {sent} exchanges failed; nginx served {served} requests")


def _tail(log: Path) -> str:
    return log.read_text()[-_LOG_TAIL:]


def _summary(measured: LoadMeasurement) -> str:
    return (
        f"{measured.requests_per_cpu_s:7.0f} requests per CPU second, "
        f"{measured.requests_per_s:7.0f} per second, "
        f"{measured.generator_cores:.2f} + {measured.target_cores:.2f} cores, "
        f"others {measured.other_cores:.2f}"
    )


def main() -> None:
    """Run the benchmark, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds per tool or action (5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time per turn (10)")
    parser.add_argument("--users", type=int, default=10, help="concurrent users (10)")
    options = parser.parse_args()
    cores = psutil.cpu_count() or 1
    print(f"{machine_text()}; load before: {os.getloadavg()[0]:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        tools = all_tools()
        measurements = compare_tools(
            tools, target, options.rounds, options.seconds, options.users, Path(place)
        )
        print("\n" + render_tools(tools, measurements, cores))


if __name__ == "__main__":
    main()
