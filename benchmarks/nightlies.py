"""Does a clean nightly pass every time, also beside a busy core?

    python -m benchmarks.nightlies --times 50 --busy 10

Prints one line a run, then how many passed; exit 1 unless all did.
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
class Night:
    """What one run came to: the checks that did not pass, and how long it took in seconds."""

    verdict: str
    troubles: tuple[str, ...]
    took_s: float
    is_busy: bool

    @property
    def line(self) -> str:
        """The run in one line."""
        beside = " beside a busy core" if self.is_busy else ""
        return f"{self.verdict} {self.took_s:.1f} s{beside} {'; '.join(self.troubles)}".rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Run so many nightlies one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nightlies")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--busy", type=int, default=10, help="so many of them beside a busy core")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "nightlies")
    asked = parser.parse_args(arguments)
    nights = []
    for number in range(1, asked.times + 1):
        nights.append(run_night(asked.runs, is_busy=number <= asked.busy))
        print(f"{number:3} {nights[-1].line}", flush=True)
    passed = sum(night.verdict == "pass" for night in nights)
    took_s = median(night.took_s for night in nights)
    print(f"{passed} of {len(nights)} passed, {took_s:.1f} s each (median)")
    return 0 if passed == len(nights) else 1


def run_night(runs: Path, is_busy: bool) -> Night:
    """Run one nightly and read what it prints."""
    command = [sys.executable, "run.py", "nightly", "--runs", str(runs), "--json"]
    began_at = time.monotonic()
    with _busy_core(is_busy):
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    took_s = time.monotonic() - began_at
    try:
        result = json.loads(ended.stdout)
        findings = [each for each in result["findings"] if each["verdict"] != "pass"]
    except (ValueError, KeyError):
        return Night(f"exit {ended.returncode}", (ended.stderr.strip(),), took_s, is_busy)
    troubles = tuple(f"{each['check']}: {each['observed']} {each['detail']}" for each in findings)
    return Night(result["verdict"], troubles, took_s, is_busy)


@contextmanager
def _busy_core(is_wanted: bool) -> Iterator[None]:
    if not is_wanted:
        yield
        return
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        burner.kill()
        burner.wait()


if __name__ == "__main__":
    sys.exit(main())
