"""Measure how the throughput of the load engine scales with Locust workers.

    .venv/bin/python -m benchmarks.engine_workers [--workers 2] [--rounds 5] [--seconds 10]

A master with one worker and a master with several workers take turns, with the same total number
of users. Each worker is pinned to a core. If no cores remain for nginx and the master, the kernel's
CPU bandwidth control limits each worker to a share of its core, so that the target is not the
bottleneck; this needs root and a CPU cgroup. Needs nginx (Debian: nginx-light).

Prints one line per round and a summary. Exits with 1 if N workers reach less than 0.9 × N times the
throughput of one.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.engine_recordings import worker_command
from benchmarks.engine_table import LoadMeasurement, bottleneck_of, median_of
from benchmarks.engine_targets import HOST, Nginx, free_address, nginx
from benchmarks.engine_tools import trial_balance_command
from benchmarks.engines import machine_text, run_duration_s, run_once

MIN_EFFICIENCY = 0.9  # per worker: two must reach 1.8 × the throughput of one

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_US = 10_000
_SPARE_CORES = 2  # one for nginx, one for the master


@contextmanager
def cpu_limit(share: float, process_id: int) -> Iterator[None]:
    """Limit a process to a share of one core. Raises OSError without root or a CPU cgroup.

    The process must have ended when the block ends: a cgroup in use cannot be removed.
    """
    quota_us = str(round(share * _PERIOD_US))
    version_1 = _CGROUPS / "cpu"  # cgroup v1 has a hierarchy per controller, v2 has one
    folder = (version_1 if version_1.is_dir() else _CGROUPS) / f"engine-worker-{process_id}"
    folder.mkdir()
    try:
        if version_1.is_dir():
            (folder / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(quota_us)
        else:
            (folder / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        (folder / "cgroup.procs").write_text(str(process_id))
        yield
    finally:
        folder.rmdir()


def compare(
    workers: int, target: Nginx, rounds: int, seconds: float, users: int, share: float,
    folder: Path,
) -> dict[int, list[LoadMeasurement]]:  # fmt: skip
    """Alternate one worker and several; return the measurements by number of workers."""
    measurements: dict[int, list[LoadMeasurement]] = {1: [], workers: []}
    for number in range(rounds):
        for count in (1, workers) if number % 2 else (workers, 1):
            measured = _run_workers(count, target, seconds, users, share, folder)
            measurements[count].append(measured)
            rate = f"{measured.requests_per_s:7.0f} requests/s"
            print(f"round {number + 1}: {count} workers {rate}", flush=True)
    return measurements


def render(measurements: dict[int, list[LoadMeasurement]], cores: int, share: float) -> str:
    """Return one line per number of workers, and the ratio of their throughputs."""
    lines = [f"CPU limit per worker: {share:.0%} of one core"]
    for workers, of in measurements.items():
        limits = sorted({bottleneck_of(each, cores, None) for each in of})
        lines.append(
            f"{workers} workers: {median_of(of, 'requests_per_s'):.0f} requests/s; workers and "
            f"master {median_of(of, 'generator_cores'):.2f} cores, target "
            f"{median_of(of, 'target_cores'):.2f}, others {median_of(of, 'other_cores'):.2f}; "
            f"bottleneck other than the workers: {', '.join(limits)}"
        )
    ratios = ratios_of(measurements)
    lines.append(
        f"{max(measurements)} workers compared to one: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds)"
    )
    return "\n".join(lines)


def ratios_of(measurements: dict[int, list[LoadMeasurement]]) -> list[float]:
    """Return, for each round, the throughput of several workers over that of one."""
    fewest, most = min(measurements), max(measurements)
    pairs = zip(measurements[fewest], measurements[most], strict=True)
    return [several.requests_per_s / one.requests_per_s for one, several in pairs]


def _run_workers(
    workers: int, target: Nginx, seconds: float, users: int, share: float, folder: Path
) -> LoadMeasurement:
    port = free_address().rpartition(":")[2]
    master = [
        *trial_balance_command(target.url, users, run_duration_s(seconds), folder),
        *("--master", "--master-bind-host", HOST, "--master-bind-port", port),
        *("--expect-workers", str(workers)),
    ]
    commands = [master, *([worker_command(HOST, port)] * workers)]
    with ExitStack() as stack:

        def pin_and_limit(process_ids: Sequence[int]) -> None:
            for core, process_id in enumerate(process_ids[1:]):  # the first is the master
                os.sched_setaffinity(process_id, {core})
                if share < 1:
                    stack.enter_context(cpu_limit(share, process_id))

        return run_once(commands, target, seconds, folder, ours=True, on_start=pin_and_limit)


def main() -> None:
    """Run the benchmark; exit with 1 if the workers do not scale."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workers", type=int, default=2, help="workers to compare with one (2)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per tool or action (5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time per turn (10)")
    parser.add_argument("--users", type=int, default=10, help="concurrent users (10)")
    parser.add_argument("--share", type=float, help="CPU limit of each worker, in cores (0 to 1)")
    options = parser.parse_args()
    cores = psutil.cpu_count() or 1
    share = options.share or (1.0 if cores >= options.workers + _SPARE_CORES else 0.5)
    print(f"{machine_text()}; load before: {os.getloadavg()[0]:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        measurements = compare(
            options.workers, target, options.rounds, options.seconds, options.users, share,
            Path(place),
        )  # fmt: skip
    print(render(measurements, cores, share))
    sys.exit(statistics.median(ratios_of(measurements)) < MIN_EFFICIENCY * options.workers)


if __name__ == "__main__":
    main()
