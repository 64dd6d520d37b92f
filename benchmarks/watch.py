"""Compare the downtime that `run.py watch` reports with the true one, on a local staging.

    python -m benchmarks.watch --for 10m --down 30s

One service is stopped in the middle of the watch and started again. The true downtime lasts from
the stop to the first successful response to a tight loop of probes:

    watch    |-----------------------------------------------------|
    service  up --------------|stopped       started|--- up -------
    truth                     |<---- down -------------->| first success

Prints both, and exits with 1 if they differ by more than 0.1 % of the watched time.
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
MAX_ERROR_RATIO = 0.001
POLL_S = 0.02


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--for", dest="length", default="10m", help="length of the watch (10m)")
    parser.add_argument(
        "--down", default="30s", help="time from stop to start of the service (30s)"
    )
    options = parser.parse_args()
    length_s, stopped_s = parse_duration(options.length), parse_duration(options.down)
    with TemporaryDirectory() as folder, staging(Path(folder), "15s") as deployment:
        truth_s, result = watch_outage(deployment, options.length, length_s, stopped_s)
    row = next(each for each in result["availability"] if each["service"] == SERVICE)
    true_ratio = 1 - truth_s / length_s
    error = abs(row["ratio"] - true_ratio)
    print(f"truth      down {truth_s:.3f} s of {length_s:g} s: availability {true_ratio:.4%}")
    print(f"watch      down {row['down_s']:.3f} s: availability {row['ratio']:.4%}")
    print(f"error      {error:.4%}")
    print(f"budget     {row['budget_s']:.3f} s, incidents {json.dumps(row['incidents'])}")
    print(f"verdict    {result['verdict']}")
    return int(error > MAX_ERROR_RATIO)


def watch_outage(
    deployment: Staging, length: str, length_s: float, stopped_s: float
) -> tuple[float, dict[str, Any]]:
    """Run `run.py watch` with an outage; return the true downtime in seconds, and the result."""
    command = [sys.executable, "run.py", "watch", "--env", "staging", "--for", length, "--json"]
    command += ["--runs", str(deployment.folder / "runs"), "--flow-every", f"{length_s / 10:g}s"]
    environ = {**os.environ, **deployment.variables()}
    process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    time.sleep(length_s / 2 - stopped_s / 2)
    down_at = time.monotonic()
    deployment.kill(PROCESS)
    time.sleep(stopped_s)
    deployment.start(PROCESS)
    up_at = wait_until_up(deployment)  # starting takes time, which is downtime too
    stdout, _ = process.communicate()
    return up_at - down_at, json.loads(stdout)


def wait_until_up(deployment: Staging) -> float:
    """Wait for the first successful response; return its time on the monotonic clock."""
    with deployment.client() as client:
        while not client.get(f"https://{HOSTS[SERVICE]}/health").is_success:
            time.sleep(POLL_S)
    return time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
