"""Measure the memory of the load engine, and the memory and time of judging its recordings.

    .venv/bin/python -m benchmarks.engine_memory [--exchanges 1000000]
    .venv/bin/python -m benchmarks.engine_memory --soak 60m [--rate 50]

Both drive the flow of three steps against nginx with `run.py load`; needs nginx (Debian:
nginx-light). Without `--soak`, a closed model runs at full speed and `run.py check` judges and
renders the run again: the load generator may use 300 MB, the judging 500 MB and 15 s. With
`--soak`, an open model runs for the given time and the generator's memory is sampled every five
seconds: after the first minute it may grow by 5 MB. Exits with 1 if a limit is exceeded.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.engine_recordings import ROOT, environment_text
from benchmarks.engine_targets import nginx
from benchmarks.engine_tools import FLOW
from config.units import parse_duration
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import RunFolder

MB = 1_000_000
GENERATOR_MB, JUDGING_MB, JUDGING_S, GROWTH_MB = 300, 500, 15.0, 5

_STEPS = 3
_SAMPLE_INTERVAL_S = 0.05
_SOAK_SAMPLE_INTERVAL_S = 5.0
_WARM_UP_S = 60.0
_PROFILES = """\
profiles:
  many: {{users: 10, iterations: {iterations}, max_duration: 600s}}
  soak: {{rate: {rate}/s, duration: {soak_s}s, max_users: 500}}
"""


@dataclass(frozen=True)
class ProcessUsage:
    """Exit code and duration of a command, and the peak memory in bytes by process name."""

    exit_code: int
    duration_s: float
    peak_bytes: dict[str, int]


def run_and_sample(command: Sequence[str], log: Path) -> ProcessUsage:
    """Run a command to its end, and sample its memory and that of its children."""
    began_s, peaks = time.monotonic(), dict[str, int]()
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        while process.poll() is None:
            for name, rss in memory_of(process.pid):
                peaks[name] = max(peaks.get(name, 0), rss)
            time.sleep(_SAMPLE_INTERVAL_S)
    return ProcessUsage(process.returncode, time.monotonic() - began_s, peaks)


def memory_of(process_id: int) -> Iterator[tuple[str, int]]:
    """Yield the resident memory in bytes of a process (`run`) and of each descendant (`load`)."""
    try:
        root = psutil.Process(process_id)
        yield "run", root.memory_info().rss
        for child in root.children(recursive=True):
            yield "load", child.memory_info().rss
    except psutil.NoSuchProcess:
        return


def growth_mb(samples: Sequence[tuple[float, int]]) -> float:
    """Return the growth of memory from the end of the warm-up to its peak, in MB.

    A sample is the time since the start in seconds, and the memory in bytes. Raises ValueError if
    there is no sample after the warm-up.

    >>> growth_mb([(5.0, 1_000_000), (60.0, 70_000_000), (300.0, 72_500_000)])
    2.5
    """
    settled = [rss for at_s, rss in samples if at_s >= _WARM_UP_S]
    if not settled:
        raise ValueError("a soak must run for more than a minute")
    return (max(settled) - settled[0]) / MB


def measure_peaks(exchanges: int) -> bool:
    """Record exchanges and judge them; print the usage, return whether it is within limits."""
    with _load_command(iterations=-(-exchanges // _STEPS)) as (command, folder):
        driven = run_and_sample([*command, "--profile", "many"], folder / "log")
        run = _only_run(folder)
        recordings = read_recordings(run.exchanges, "many")
        recorded = sum(len(recording.exchanges) for recording in recordings)
        judged = run_and_sample(_command("check", str(run.path)), folder / "log")
    generator_mb, judging_mb = driven.peak_bytes["load"] / MB, judged.peak_bytes["run"] / MB
    print(
        f"{recorded:,} exchanges in {driven.duration_s:.1f} s; peak memory: load generator "
        f"{generator_mb:.0f} MB, run.py load {driven.peak_bytes['run'] / MB:.0f} MB; "
        f"run.py check: {judged.duration_s:.1f} s, {judging_mb:.0f} MB"
    )
    is_small = generator_mb <= GENERATOR_MB and judging_mb <= JUDGING_MB
    return is_small and judged.duration_s <= JUDGING_S and recorded >= exchanges


def measure_soak(soak_s: float, rate_per_s: int) -> bool:
    """Drive at a constant rate; print the course of memory, return whether it stayed flat."""
    samples: list[tuple[float, int]] = []
    with _load_command(rate=rate_per_s, soak_s=round(soak_s)) as (command, folder):
        log, began_s = folder / "log", time.monotonic()
        with log.open("w") as file, subprocess.Popen(
            [*command, "--profile", "soak"], stdout=file, stderr=file
        ) as process:  # fmt: skip
            while process.poll() is None:
                at_s = time.monotonic() - began_s
                memory = memory_of(process.pid)
                samples += [(at_s, rss) for name, rss in memory if name == "load"]
                time.sleep(_SOAK_SAMPLE_INTERVAL_S)
        run = _only_run(folder)
        recordings = read_recordings(run.exchanges, "soak")
        recorded = sum(len(each.exchanges) for each in recordings)
        failed = sum(int((~each.exchanges.ok).sum()) for each in recordings)
        ends = [each.end for each in recordings if each.end]
    grown_mb = growth_mb(samples)
    peak_at_s, peak = max(samples, key=lambda sample: sample[1])
    for at_s, rss in samples[:: max(1, len(samples) // 10)]:
        print(f"after {at_s / 60:5.1f} min {rss / MB:7.1f} MB")
    loop_delay_s = max((end.loop_delay_max_s or 0.0 for end in ends), default=0.0)
    print(
        f"{recorded:,} exchanges, {failed} failed; {sum(end.dropped for end in ends)} iterations "
        f"dropped; event loop delay at most {loop_delay_s:.3f} s; memory grew by "
        f"{grown_mb:.1f} MB, peak {peak / MB:.1f} MB after {peak_at_s / 60:.1f} min"
    )
    return grown_mb <= GROWTH_MB and not failed


@contextmanager
def _load_command(
    iterations: int = 1, rate: int = 1, soak_s: int = 1
) -> Iterator[tuple[list[str], Path]]:
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        folder = Path(place)
        profiles = _PROFILES.format(iterations=iterations, rate=rate, soak_s=soak_s)
        (folder / "scenario.yaml").write_text(f"{FLOW}{profiles}")
        (folder / "environment.yaml").write_text(
            environment_text(target.url, "onboarding", "workflow")
        )
        yield (
            _command(
                "load", "--scenario", str(folder / "scenario.yaml"),
                "--env", str(folder / "environment.yaml"), "--runs", str(folder / "runs"),
            ),
            folder,
        )  # fmt: skip


def _command(*options: str) -> list[str]:
    return [sys.executable, str(ROOT / "run.py"), *options]


def _only_run(folder: Path) -> RunFolder:
    latest = folder / "runs" / "latest"
    if not latest.is_dir():
        raise SystemExit(f"run.py load left no run:\n{(folder / 'log').read_text()}")
    return RunFolder(latest.resolve())


def main() -> None:
    """Run the benchmark; exit with 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=1_000_000, help="exchanges to record")
    parser.add_argument("--soak", type=parse_duration, help="duration of a soak test, as in 60m")
    parser.add_argument("--rate", type=int, default=50, help="arrivals per second of the soak (50)")
    options = parser.parse_args()
    if options.soak:
        sys.exit(not measure_soak(options.soak, options.rate))
    sys.exit(not measure_peaks(options.exchanges))


if __name__ == "__main__":
    main()
