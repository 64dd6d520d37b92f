"""Do two workers of the load engine send twice what one does?

    .venv/bin/python -m benchmarks.engine_workers [--workers 2] [--rounds 5] [--seconds 10]

Locust's master and one worker take turns with the master and several, the same users in all. Each
worker has a core of its own. Where the machine has no further ones for nginx and the master, each
worker may use only a part of its core, by the kernel's CPU bandwidth control, so that what is left
is enough for those two and the target is not the limit. That needs root and a cgroup for CPU time.
It needs nginx (Debian: nginx-light).
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
from benchmarks.engine_table import Measured, limit_of, median_of
from benchmarks.engine_targets import HOST, Nginx, free_address, nginx
from benchmarks.engine_tools import our_command
from benchmarks.engines import machine_text, run_once, run_seconds

WANTED = 0.9  # of each further worker: 1.8 × for two

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD_US = 10_000
_SPARE_CORES = 2  # one for nginx, one for the master


@contextmanager
def held_to(share: float, process_id: int) -> Iterator[None]:
    """Let a process have at most this share of one core; it ends first. Raises OSError."""
    quota_us = str(round(share * _PERIOD_US))
    of_version_1 = _CGROUPS / "cpu"
    folder = (of_version_1 if of_version_1.is_dir() else _CGROUPS) / f"engine-worker-{process_id}"
    folder.mkdir()
    try:
        if of_version_1.is_dir():
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
) -> dict[int, list[Measured]]:  # fmt: skip
    """Let one worker and several take turns; return what each round measured."""
    told: dict[int, list[Measured]] = {1: [], workers: []}
    for number in range(rounds):
        for count in (1, workers) if number % 2 else (workers, 1):
            measured = _run_crew(count, target, seconds, users, share, folder)
            told[count].append(measured)
            print(f"round {number + 1}: {count} workers {measured.per_s:7.0f} a second", flush=True)
    return told


def render(told: dict[int, list[Measured]], cores: int, share: float) -> str:
    """Return a line for one worker and one for several, and how they compare, round by round."""
    lines = [f"each worker has {share:.0%} of a core of its own"]
    for workers, of in told.items():
        limits = sorted({limit_of(each, cores, None) for each in of})
        lines.append(
            f"{workers} workers: {median_of(of, 'per_s'):.0f} requests a second; workers and "
            f"master {median_of(of, 'generator_cores'):.2f} cores, target "
            f"{median_of(of, 'target_cores'):.2f}, others {median_of(of, 'other_cores'):.2f}; "
            f"limit beside the workers: {', '.join(limits)}"
        )
    ratios = ratios_of(told)
    lines.append(
        f"{max(told)} workers over one: {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} rounds)"
    )
    return "\n".join(lines)


def ratios_of(told: dict[int, list[Measured]]) -> list[float]:
    """Return how many times one worker's requests a second several sent, round by round."""
    pairs = zip(told[min(told)], told[max(told)], strict=True)
    return [several.per_s / one.per_s for one, several in pairs]


def _run_crew(
    workers: int, target: Nginx, seconds: float, users: int, share: float, folder: Path
) -> Measured:
    port = free_address().rpartition(":")[2]
    master = [
        *our_command(target.url, users, run_seconds(seconds), folder),
        *("--master", "--master-bind-host", HOST, "--master-bind-port", port),
        *("--expect-workers", str(workers)),
    ]
    commands = [master, *([worker_command(HOST, port)] * workers)]
    with ExitStack() as held:

        def hold(process_ids: Sequence[int]) -> None:
            for core, process_id in enumerate(process_ids[1:]):
                os.sched_setaffinity(process_id, {core})
                if share < 1:
                    held.enter_context(held_to(share, process_id))

        return run_once(commands, target, seconds, folder, ours=True, on_start=hold)


def main() -> None:
    """Measure and print; less than 1.8 × for two workers is the exit status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--share", type=float, help="of a core, for each worker")
    asked = parser.parse_args()
    cores = psutil.cpu_count() or 1
    share = asked.share or (1.0 if cores >= asked.workers + _SPARE_CORES else 0.5)
    print(f"{machine_text()}; load before: {os.getloadavg()[0]:.2f}", flush=True)
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        given = (asked.rounds, asked.seconds, asked.users, share, Path(place))
        told = compare(asked.workers, target, *given)
    print(render(told, cores, share))
    sys.exit(statistics.median(ratios_of(told)) < WANTED * asked.workers)


if __name__ == "__main__":
    main()
