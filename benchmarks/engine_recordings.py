"""Drive the load engine with the locust command, and read the recordings that it leaves."""

import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[1]

_LOCUSTFILE = ROOT / "scenarios" / "locustfile.py"
_STEM = "locust"
_START_TIMEOUT_S = 120.0
_POLL_S = 0.1
_LOG_TAIL = 2_000
# after the time, host and logger that Locust writes before each line
_RECORDING = re.compile(r"\brecording to (.+)$", re.MULTILINE)


def environment_text(url: str, *services: str) -> str:
    """Return an environment file in which one target stands for all of these services."""
    addresses = "".join(f"  {service}: {{url: {url}}}\n" for service in services)
    return (
        f"environment: engine-target\nservices:\n{addresses}"
        'headers: {X-Tenant-ID: "{{ tenant }}"}\n'
        "load: {allowed: true, max_users: 2000, max_rate: 2000/s}\n"
    )


def locust_command(scenario: Path, environment: Path, users: int, *options: str) -> list[str]:
    """Return the locust command for a scenario and an environment file."""
    return [
        sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--only-summary",
        "--users", str(users), "--spawn-rate", str(users),
        "--scenario", str(scenario), "--environment", str(environment), *options,
    ]  # fmt: skip


def worker_command(host: str, port: str) -> list[str]:
    """Return the command of a Locust worker; the scenario comes from its master."""
    return [
        sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless",
        "--worker", "--master-host", host, "--master-port", port,
    ]  # fmt: skip


def drive(scenario: str, url: str, folder: Path, users: int, *options: str) -> Recording:
    """Run a scenario whose only service is `target` to its end, and return the recording."""
    (folder / "scenario.yaml").write_text(scenario)
    (folder / "environment.yaml").write_text(environment_text(url, "target"))
    command = locust_command(folder / "scenario.yaml", folder / "environment.yaml", users, *options)
    log = folder / "locust.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            place = recording_folder(process.pid, log)
            process.wait()
        finally:
            process.terminate()
    return pop_recording(place)


def recording_folder(process_id: int, log: Path) -> Path:
    """Wait until a running load logs the folder of its run, and return the folder."""
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and psutil.pid_exists(process_id):
        if match := _RECORDING.search(log.read_text()):
            return Path(match[1])
        time.sleep(_POLL_S)
    raise SystemExit(f"the load did not start:\n{log.read_text()[-_LOG_TAIL:]}")


def pop_recording(folder: Path) -> Recording:
    """Read the only recording of a run, and remove the run's folder."""
    recordings = pop_recordings(folder)
    if len(recordings) != 1:
        raise SystemExit(f"{folder} holds {len(recordings)} recordings, not one")
    return recordings[0]


def pop_recordings(folder: Path) -> tuple[Recording, ...]:
    """Read the recordings of a run, one per worker, and remove the run's folder."""
    recordings = read_recordings(RunFolder(folder).exchanges, _STEM)
    shutil.rmtree(folder)
    return recordings


def count_failed(recording: Recording) -> int:
    """Return the number of failed exchanges, without those that the end of the run cut off."""
    return sum(
        exchange.outcome != "ok" and not exchange.cut_off for exchange in recording.exchanges
    )


def nearest_rank(values_s: Iterable[float], percentile: float) -> float:
    """Return a percentile by the nearest-rank method. Raises ValueError if there is no value.

    >>> nearest_rank([4.0, 1.0, 3.0, 2.0], 50), nearest_rank([1.0, 2.0], 99)
    (2.0, 2.0)
    """
    ordered = sorted(values_s)
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    return ordered[max(math.ceil(percentile * len(ordered) / 100), 1) - 1]
