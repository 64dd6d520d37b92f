"""Scale a service 2 → 4 → 1 during a load, its replicas discovered; hold each figure to the truth.

    python -m benchmarks.replicas --runs 20 --interval 1s

One Prometheus finds the replicas by `file_sd`, and beside them those of another environment under
the same job, which count all the time and are left out by `match`. Each run is one of five:

    runs       1      2      3          4          5
    replicas   end    end    kill -9    kill -9    2 → 4, which stay
    pages      read   not    read       not        read; of the others, only Prometheus is asked

Exits with 1 if a run fails, or a figure is not what it says: exact, or a bound on the right side.
Where all replicas stay, each figure must be exact.
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any
from urllib.request import Request, urlopen

from tests.integration.real_prometheus import configured_prometheus
from tests.secured_servers import free_port

ROOT = Path(__file__).resolve().parents[1]
JOB, METRICS_HOST, NOWHERE = "shop", "127.0.0.2", "127.0.0.1:1"
VARIANTS = (
    ("end, read", signal.SIGTERM, True),
    ("end, not read", signal.SIGTERM, False),
    ("kill -9, read", signal.SIGKILL, True),
    ("kill -9, not read", signal.SIGKILL, False),
    ("stay, read", None, True),
)
LOAD_S, UP_AT_S, DOWN_AT_S = 8.0, 2.0, 5.0
ENVIRONMENT = """
environment: autoscaled
services:
  shop: {{url: "http://127.0.0.1:{port}", replicas: discovered, health: none}}
prometheus: {{url: "{prometheus}", match: {{env: staging}}}}
connect_to: {{{routes}}}
exclusive: true
load: {{allowed: true, max_rate: 200/s}}
"""
SCENARIO = """
scenario: autoscaled
quantities:
  uses: {{by: [kind], prometheus: shop_uses_total}}
flow:
  - step: use
    request: POST shop /uses?kind=tea
    counts: {{uses: {{tea: 1}}}}
  - step: use more
    request: POST shop /uses?kind=coffee
    counts: {{uses: {{coffee: 1}}}}
profiles:
  load: {{rate: 30/s, duration: {load_s:g}s, max_users: 50}}
checks:
  usage: [uses]
  success_rate: 50%
"""


@dataclass
class Deployment:
    """The replicas of one environment, and the file by which Prometheus finds them."""

    folder: Path
    env: str
    port: int = field(default_factory=free_port)
    replicas: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def truth(self) -> Counter[str]:
        """What was counted, by kind."""
        path = self.folder / f"truth-{self.env}"
        return Counter(path.read_text().split()) if path.exists() else Counter()

    def start(self, number: int) -> None:
        """Start further replicas; each is used before Prometheus is told of them."""
        started = {}
        for address in _free_addresses(number):
            command = [sys.executable, "-m", "benchmarks.replica_service", str(self.port), address,
                       str(self.folder / f"truth-{self.env}")]  # fmt: skip
            started[address] = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
        for process in started.values():
            if process.stdout:
                process.stdout.readline()
                process.stdout.close()
        self.replicas |= started
        self._publish()

    def stop(self, number: int, with_signal: signal.Signals) -> None:
        """End the oldest replicas; Prometheus is told a moment later, as by an orchestrator."""
        for address in list(self.replicas)[:number]:
            process = self.replicas.pop(address)
            process.send_signal(with_signal)
            process.wait(30)
        time.sleep(0.3)
        self._publish()

    def _publish(self) -> None:
        group = {"targets": list(self.replicas), "labels": {"env": self.env}}
        path = self.folder.parent / f"targets-{self.env}.json"
        path.with_suffix(".new").write_text(json.dumps([group]))
        path.with_suffix(".new").replace(path)

    def use(self) -> None:
        """Have one use counted."""
        url = f"http://127.0.0.1:{self.port}/uses?kind=tea"
        with urlopen(Request(url, method="POST", data=b""), timeout=5) as response:
            response.read()


def _free_addresses(number: int) -> list[str]:
    """Return as many addresses for metrics, all of them at once: so that none is there twice."""
    with ExitStack() as held:
        listeners = [
            held.enter_context(socket.create_server((METRICS_HOST, 0))) for _ in range(number)
        ]
        return [f"{METRICS_HOST}:{each.getsockname()[1]}" for each in listeners]


@contextmanager
def prometheus(folder: Path, interval: str) -> Iterator[str]:
    """Run a Prometheus that discovers the replicas of both environments; yield its URL."""
    scraping = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [
            {"job_name": JOB, "file_sd_configs": [{"files": [str(folder / "targets-*.json")]}]}
        ],
    }
    path = folder / "prometheus.json"
    path.write_text(json.dumps(scraping))
    with configured_prometheus(folder, path) as url:
        yield url


def one_run(
    folder: Path, url: str, ending: signal.Signals | None, *, reachable: bool
) -> tuple[dict[str, Any], Counter[str]]:
    """Load a service while it is scaled; return the result, and what was counted in truth.

    Without an `ending`, all replicas stay.
    """
    folder.mkdir()
    routes = "" if reachable else f'{METRICS_HOST}: "{NOWHERE}"'
    here, other = Deployment(folder, "staging"), Deployment(folder, "prod")
    values = {"port": here.port, "prometheus": url, "routes": routes}
    (folder / "shop.yaml").write_text(ENVIRONMENT.format(**values))
    (folder / "scenario.yaml").write_text(SCENARIO.format(load_s=LOAD_S))
    command = [sys.executable, "run.py", "load", "--scenario", str(folder / "scenario.yaml"),
               "--env", str(folder / "shop.yaml"), "--runs", str(folder / "runs"),
               "--profile", "load", "--json"]  # fmt: skip
    with ExitStack() as held:
        for deployment in (here, other):
            held.callback(deployment.stop, 4, signal.SIGKILL)
            deployment.start(2)
        held.enter_context(_foreign_traffic(other))
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)  # fmt: skip
        _await_load(here, process)
        time.sleep(UP_AT_S)
        here.start(2)
        time.sleep(DOWN_AT_S - UP_AT_S)
        if ending:
            here.stop(3, ending)
        stdout, _ = process.communicate(timeout=600)
        if "usage" not in (result := json.loads(stdout)):
            raise SystemExit(stdout)
        return result, here.truth


@contextmanager
def _foreign_traffic(other: Deployment) -> Iterator[None]:
    """Have the other environment count all the time."""
    over = Event()

    def use() -> None:
        while not over.wait(0.05):
            other.use()

    thread = Thread(target=use)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _await_load(here: Deployment, process: subprocess.Popen[str]) -> None:
    while not here.truth and process.poll() is None:
        time.sleep(0.05)


def wrong_figures(
    result: dict[str, Any], truth: Mapping[str, int], *, is_exact: bool = False
) -> list[str]:
    """Return each figure that is not what it says, or not exact though it must be."""
    wrong = []
    for row in result["usage"]:
        true = truth[row["labels"]["kind"]]
        for name, figure in row["figures"].items():
            low, high = figure["low"], figure["high"]
            is_off = (low is not None and low > true) or (high is not None and high < true)
            if is_off or (is_exact and not low == high == true):
                wrong.append(f"{name} of {row['labels']}: {low} to {high}, in truth {true}")
    return wrong


def summary(result: dict[str, Any], truth: Mapping[str, int]) -> str:
    """Return a line: the truth, then the figures of each witness."""
    rows = []
    for row in result["usage"]:
        figures = ", ".join(f"{name} {_range(figure)}" for name, figure in row["figures"].items())
        client = row["client"]["confirmed"]
        kind = row["labels"]["kind"]
        rows.append(f"{kind} {truth[kind]} (client {client:g}): {figures}")
    return "; ".join(rows)


def _range(figure: dict[str, Any]) -> str:
    low, high = figure["low"], figure["high"]
    if low == high:
        return f"{low:g}" if low is not None else "void"
    return f"{'…' if low is None else f'{low:g}'}–{'…' if high is None else f'{high:g}'}"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--interval", default="1s", help="scrape interval (1s)")
    options = parser.parse_args(arguments)
    bad, directions = 0, Counter[str]()
    with TemporaryDirectory() as place, prometheus(Path(place), options.interval) as url:
        for number in range(options.runs):
            how, ending, reachable = VARIANTS[number % len(VARIANTS)]
            folder = Path(place) / f"run-{number}"
            result, truth = one_run(folder, url, ending, reachable=reachable)
            wrong = wrong_figures(result, truth, is_exact=ending is None)
            is_bad = bool(wrong) or result["verdict"] == "fail" or not result["usage"]
            bad += is_bad
            for row in result["usage"]:
                directions.update(
                    f"{name} {'exact' if each['low'] == each['high'] else 'bounded'}"
                    for name, each in row["figures"].items()
                )
            print(f"{number + 1:2} {how:18} {result['verdict']:12} {summary(result, truth)}",
                  *wrong, flush=True)  # fmt: skip
    print(f"{options.runs - bad} of {options.runs} runs exact or bounded, none failed;", directions)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
