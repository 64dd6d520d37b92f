"""How is this project's own load driven by plain Locust, and what did it record?"""

import math
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from scenarios.evidence.recording import Recording, read_recordings

ROOT = Path(__file__).resolve().parents[1]

_LOCUSTFILE = ROOT / "scenarios" / "locustfile.py"
_STEM = "locust"
_APPEARS_S = 30.0
_POLL_S = 0.1
_LOG_TAIL = 2_000
_RECORDING = re.compile(r"^recording to (.+)$", re.MULTILINE)


def environment_text(url: str, *services: str) -> str:
    """Return the environment file of a target that is all of these services."""
    addresses = "".join(f"  {service}: {{url: {url}}}\n" for service in services)
    return (
        f"environment: engine-target\nservices:\n{addresses}"
        'headers: {X-Tenant-ID: "{{ tenant }}"}\n'
        "load: {allowed: true, max_users: 2000, max_rate: 2000/s}\n"
    )


def command_of(scenario: Path, environment: Path, users: int, *options: str) -> list[str]:
    """Return the command of plain Locust on the locustfile of this project."""
    return [
        sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--only-summary",
        "--users", str(users), "--spawn-rate", str(users),
        "--scenario", str(scenario), "--environment", str(environment), *options,
    ]  # fmt: skip


def worker_command(host: str, port: str) -> list[str]:
    """Return the command of a worker of plain Locust's."""
    return [
        sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless",
        "--worker", "--master-host", host, "--master-port", port,
    ]  # fmt: skip


def drive(scenario: str, url: str, folder: Path, users: int, *options: str) -> Recording:
    """Drive a scenario of one service, `target`, to its end; return the recording."""
    (folder / "scenario.yaml").write_text(scenario)
    (folder / "environment.yaml").write_text(environment_text(url, "target"))
    command = command_of(folder / "scenario.yaml", folder / "environment.yaml", users, *options)
    log = folder / "locust.log"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            place = recording_folder(process.pid, log)
            process.wait()
        finally:
            process.terminate()
    return take_recording(place)


def recording_folder(process_id: int, log: Path) -> Path:
    """Return the folder that a running load records into, as soon as it says so."""
    until_s = time.monotonic() + _APPEARS_S
    while time.monotonic() < until_s and psutil.pid_exists(process_id):
        if found := _RECORDING.search(log.read_text()):
            return Path(found[1])
        time.sleep(_POLL_S)
    raise SystemExit(f"the load has not begun:\n{log.read_text()[-_LOG_TAIL:]}")


def take_recording(folder: Path) -> Recording:
    """Read the one recording in a folder of plain Locust's, and remove the folder."""
    recordings = take_recordings(folder)
    if len(recordings) != 1:
        raise SystemExit(f"{folder} holds {len(recordings)} recordings, not one")
    return recordings[0]


def take_recordings(folder: Path) -> tuple[Recording, ...]:
    """Read the recordings in a folder of plain Locust's, one a worker, and remove the folder."""
    recordings = read_recordings(folder, _STEM)
    shutil.rmtree(folder)
    return recordings


def went_wrong(recording: Recording) -> int:
    """Count the exchanges that were not ok; those cut off by the end are not among them."""
    return sum(each.outcome != "ok" and not each.cut_off for each in recording.exchanges)


def nearest_rank(values_s: Iterable[float], percentile: float) -> float:
    """Return the smallest value that so many per cent do not exceed. Raises ValueError if empty.

    >>> nearest_rank([4.0, 1.0, 3.0, 2.0], 50), nearest_rank([1.0, 2.0], 99)
    (2.0, 2.0)
    """
    ordered = sorted(values_s)
    if not ordered:
        raise ValueError("no value has no percentile")
    return ordered[max(math.ceil(percentile * len(ordered) / 100), 1) - 1]
