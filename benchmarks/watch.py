"""Does a watch tell how long a service was away? Held against the truth, on a staging of our own.

    python -m benchmarks.watch --for 10m --away 30s

One service is ended in the middle and begun again; the truth is from the moment of its end to the
first answer that a tight loop of probes gets. Prints both, and exits 1 where they differ by more
than a thousandth of the time.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config.units import parse_duration
from tests.staging.stack import HOSTS, Staging, staging

ROOT = Path(__file__).resolve().parents[1]
SERVICE, PROCESS = "onboarding", "onboarding-1"
MOST_OFF = 0.001
POLL_S = 0.02


def main() -> int:
    """Watch, end a service in the middle, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--for", dest="length", default="10m")
    parser.add_argument("--away", default="30s")
    asked = parser.parse_args()
    length_s, away_s = parse_duration(asked.length), parse_duration(asked.away)
    with TemporaryDirectory() as folder, staging(Path(folder), "15s") as made:
        truth, result = watched(made, asked.length, length_s, away_s)
    row = next(each for each in result["availability"] if each["service"] == SERVICE)
    off = abs(row["ratio"] - (1 - truth / length_s))
    print(f"truth      away {truth:.3f} s of {length_s:g} s: {1 - truth / length_s:.4%}")
    print(f"the watch  away {row['down_s']:.3f} s: {row['ratio']:.4%}, off by {off:.4%}")
    print(f"budget     {row['budget_s']:.3f} s, incidents {json.dumps(row['incidents'])}")
    print(f"verdict    {result['verdict']}")
    return int(off > MOST_OFF)


def watched(
    made: Staging, length: str, length_s: float, away_s: float
) -> tuple[float, dict[str, Any]]:
    """Run the command with a service away for a while; return for how long, and the result."""
    command = [sys.executable, "run.py", "watch", "--env", "staging", "--for", length, "--json"]
    command += ["--runs", str(made.folder / "runs"), "--flow-every", f"{length_s / 10:g}s"]
    environ = {**os.environ, **made.variables()}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    time.sleep(length_s / 2 - away_s / 2)
    ended_at = time.monotonic()
    made.end(PROCESS)
    time.sleep(away_s)
    made.begin(PROCESS)
    back_at = answers_at(made)
    stdout, _ = process.communicate()
    return back_at - ended_at, json.loads(stdout)


def answers_at(made: Staging) -> float:
    """Return when the service first answers again, on the monotonic clock."""
    with made.client() as client:
        while not client.get(f"https://{HOSTS[SERVICE]}/health").is_success:
            time.sleep(POLL_S)
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
