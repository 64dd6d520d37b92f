"""Run the nightly many times, and count how often it passes, also with one core kept busy.

    python -m benchmarks.nightlies --times 50 --busy 10

Prints one line per run and the number of passes. Exits with 1 unless every run passed.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]

_TIMEOUT_S = 120


@dataclass(frozen=True)
class NightlyResult:
    """One run: its verdict, the findings that did not pass, and its duration in seconds."""

    verdict: str
    failures: tuple[str, ...]
    duration_s: float
    is_busy: bool

    @property
    def line(self) -> str:
        """The result in one line."""
        load = " with a busy core" if self.is_busy else ""
        return f"{self.verdict} {self.duration_s:.1f} s{load} {'; '.join(self.failures)}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=50, help="number of runs")
    parser.add_argument(
        "--busy", type=int, default=10, help="number of runs with one core kept busy"
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "nightlies")
    options = parser.parse_args(arguments)
    results: list[NightlyResult] = []
    for number in range(1, options.times + 1):
        results.append(run_nightly(options.runs, is_busy=number <= options.busy))
        print(f"{number:3} {results[-1].line}", flush=True)
    passed = sum(result.verdict == "pass" for result in results)
    duration_s = median(result.duration_s for result in results)
    print(f"{passed} of {len(results)} passed, median duration {duration_s:.1f} s")
    return 0 if passed == len(results) else 1


def run_nightly(runs: Path, is_busy: bool) -> NightlyResult:
    """Run one nightly, and read the result from its standard output."""
    command = [sys.executable, "run.py", "nightly", "--runs", str(runs), "--json"]
    began_at = time.monotonic()
    with _busy_core(is_busy):
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    return read_result(ended, time.monotonic() - began_at, is_busy)


def read_result(
    ended: subprocess.CompletedProcess[str], duration_s: float, is_busy: bool
) -> NightlyResult:
    """Return the result in a nightly's output."""
    return NightlyResult(*verdict_of(ended), duration_s, is_busy)


def verdict_of(ended: subprocess.CompletedProcess[str]) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of a run with `--json`, and the findings that did not pass.

    Without a result, these are its exit code and its errors.
    """
    try:
        result = json.loads(ended.stdout)
        findings = [each for each in result["findings"] if each["verdict"] != "pass"]
    except (ValueError, KeyError):
        return f"exit {ended.returncode}", (ended.stderr.strip(),)
    failures = tuple(f"{each['id']}: {each['observed']} {each['detail']}" for each in findings)
    return result["verdict"], failures


@contextmanager
def _busy_core(is_wanted: bool) -> Iterator[None]:
    if not is_wanted:
        yield
        return
    # One process keeps one core busy; the nightly competes with it.
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


if __name__ == "__main__":
    sys.exit(main())
