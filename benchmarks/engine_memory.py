"""How much memory does the load engine take, and how much does judging what it recorded?

    .venv/bin/python -m benchmarks.engine_memory [--exchanges 1000000]
    .venv/bin/python -m benchmarks.engine_memory --soak 60m [--rate 50]

Both drive the flow of three steps against nginx with `run.py load`. The first as fast as it goes,
then `run.py check` judges and renders the same run anew. The generator may take 300 MB, the judging
500 MB and 15 s. The second drives an open model for as long as asked and looks at the generator's
memory every five seconds: after the first minute it may not grow by more than 5 MB. It needs nginx
(Debian: nginx-light).
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
from scenarios.evidence.recording import read_recordings
from scenarios.evidence.run_folder import RunFolder

MB = 1_000_000
GENERATOR_MB, JUDGING_MB, JUDGING_S, GROWTH_MB = 300, 500, 15.0, 5

_STEPS = 3
_LOOK_S = 0.05
_SOAK_LOOK_S = 5.0
_SETTLED_S = 60.0
_PROFILES = """\
profiles:
  many: {{users: 10, iterations: {iterations}, max_duration: 600s}}
  soak: {{rate: {rate}/s, duration: {soak_s}s, max_users: 500}}
"""


@dataclass(frozen=True)
class Watched:
    """A command's end: its exit code, seconds, and the most memory each process took, in bytes."""

    code: int
    lasted_s: float
    peaks: dict[str, int]


def watch(command: Sequence[str], log: Path) -> Watched:
    """Run a command to its end, and look at its memory, and its children's, all the while."""
    began_s, peaks = time.monotonic(), dict[str, int]()
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        while process.poll() is None:
            for name, taken in memory_of(process.pid):
                peaks[name] = max(peaks.get(name, 0), taken)
            time.sleep(_LOOK_S)
    return Watched(process.returncode, time.monotonic() - began_s, peaks)


def memory_of(process_id: int) -> Iterator[tuple[str, int]]:
    """Yield what a process (`run`) and each of its children (`load`) has resident, in bytes."""
    try:
        root = psutil.Process(process_id)
        yield "run", root.memory_info().rss
        for child in root.children(recursive=True):
            yield "load", child.memory_info().rss
    except psutil.NoSuchProcess:
        return


def growth_mb(looks: Sequence[tuple[float, int]]) -> float:
    """Return by how much memory grew from when it had settled to its most, in MB.

    Each look is seconds since the begin, and bytes.

    >>> growth_mb([(5.0, 1_000_000), (60.0, 70_000_000), (300.0, 72_500_000)])
    2.5
    """
    settled = [taken for at_s, taken in looks if at_s >= _SETTLED_S]
    if not settled:
        raise ValueError("a soak takes longer than a minute")
    return (max(settled) - settled[0]) / MB


def measure_peaks(exchanges: int) -> bool:
    """Drive so many exchanges and judge them; print what it took, tell whether it was little."""
    with _prepared(iterations=-(-exchanges // _STEPS)) as (command, folder):
        driven = watch([*command, "--profile", "many"], folder / "log")
        run = _only_run(folder)
        recorded = sum(len(each.exchanges) for each in read_recordings(run.exchanges, "many"))
        judged = watch(_command("check", str(run.path)), folder / "log")
    generator_mb, judging_mb = driven.peaks["load"] / MB, judged.peaks["run"] / MB
    print(
        f"{recorded:,} exchanges in {driven.lasted_s:.1f} s: the generator took "
        f"{generator_mb:.0f} MB, what drove and judged it {driven.peaks['run'] / MB:.0f} MB; "
        f"judging and rendering anew took {judged.lasted_s:.1f} s and {judging_mb:.0f} MB"
    )
    few = generator_mb <= GENERATOR_MB and judging_mb <= JUDGING_MB
    return few and judged.lasted_s <= JUDGING_S and recorded >= exchanges


def measure_soak(soak_s: float, rate_per_s: int) -> bool:
    """Drive at a rate for long; print how memory went, tell whether it was flat."""
    looks: list[tuple[float, int]] = []
    with _prepared(rate=rate_per_s, soak_s=round(soak_s)) as (command, folder):
        log, began_s = folder / "log", time.monotonic()
        with log.open("w") as file, subprocess.Popen(
            [*command, "--profile", "soak"], stdout=file, stderr=file
        ) as process:  # fmt: skip
            while process.poll() is None:
                at_s = time.monotonic() - began_s
                looks += [(at_s, each) for name, each in memory_of(process.pid) if name == "load"]
                time.sleep(_SOAK_LOOK_S)
        run = _only_run(folder)
        recordings = read_recordings(run.exchanges, "soak")
        recorded = sum(len(each.exchanges) for each in recordings)
        wrong = sum(int((~each.exchanges.ok).sum()) for each in recordings)
        ends = [each.end for each in recordings if each.end]
    grown_mb = growth_mb(looks)
    most_at_s, most = max(looks, key=lambda each: each[1])
    for at_s, taken in looks[:: max(1, len(looks) // 10)]:
        print(f"after {at_s / 60:5.1f} min {taken / MB:7.1f} MB")
    held_up_s = max((each.loop_delay_max_s or 0.0 for each in ends), default=0.0)
    print(
        f"{recorded:,} exchanges, {wrong} of them wrong; {sum(each.dropped for each in ends)} "
        f"iterations dropped, event loop held up for {held_up_s:.3f} s at worst; memory grew by "
        f"{grown_mb:.1f} MB, and was most after {most_at_s / 60:.1f} min, with {most / MB:.1f} MB"
    )
    return grown_mb <= GROWTH_MB and not wrong


@contextmanager
def _prepared(
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
        raise SystemExit(f"there is no run:\n{(folder / 'log').read_text()}")
    return RunFolder(latest.resolve())


def main() -> None:
    """Measure and print; what takes too much is the exit status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--soak", type=parse_duration)
    parser.add_argument("--rate", type=int, default=50)
    asked = parser.parse_args()
    if asked.soak:
        sys.exit(not measure_soak(asked.soak, asked.rate))
    sys.exit(not measure_peaks(asked.exchanges))


if __name__ == "__main__":
    main()
