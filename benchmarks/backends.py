"""Repeat clean loads against ordinary ways in which counters reach a Prometheus, and count passes.

    python -m benchmarks.backends --times 30 [--setup remote-write] [--folder runs/backends]

    remote-write   shop ← Prometheus → VictoriaMetrics ← harness
    timestamps     a shop whose page is up to 3 s old, and says so by timestamps
    one-job        three shops that are the targets of one job

Prints one line per run and the number of passes. Exits with 1 unless every run passed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.faulty_shop import DATABASE
from benchmarks.nightlies import verdict_of
from tests.integration.real_prometheus import configured_prometheus, real_victoria
from tests.secured_servers import free_port, running

ROOT = Path(__file__).resolve().parents[1]
_SHOPS_OF_ONE_JOB = 3
_PAGE_AGE_S = 3
_JOB = "shops"


class Setup(StrEnum):
    """A way in which the counters of a shop reach the Prometheus that is asked."""

    REMOTE_WRITE = "remote-write"
    TIMESTAMPS = "timestamps"
    ONE_JOB = "one-job"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30, help="number of runs of each set-up")
    parser.add_argument("--setup", type=Setup, action="append", choices=list(Setup))
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "backends")
    options = parser.parse_args(arguments)
    failed = 0
    for setup in options.setup or Setup:
        verdicts = list(run_loads(setup, options.folder.resolve() / setup, options.times))
        passed = verdicts.count("pass")
        print(f"{setup}: {passed} of {len(verdicts)} passed", flush=True)
        failed += len(verdicts) - passed
    return 1 if failed else 0


def run_loads(setup: Setup, runs: Path, times: int) -> Iterator[str]:
    """Start a set-up once, run loads against it, and yield the verdict of each."""
    runs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as name, system(setup, Path(name)) as environment:
        settings, scenario = runs / "environment.yaml", runs / "scenario.yaml"
        settings.write_text(json.dumps(environment))  # JSON is YAML
        scenario.write_text(json.dumps(scenario_of(list(environment["databases"]))))
        for number in range(1, times + 1):
            verdict, findings = run_load(settings, scenario, runs)
            print(f"{setup} {number:3} {verdict} {'; '.join(findings)}".rstrip(), flush=True)
            yield verdict


def run_load(environment: Path, scenario: Path, runs: Path) -> tuple[str, tuple[str, ...]]:
    """Run one load; return its verdict, and the findings that did not pass."""
    command = [sys.executable, "run.py", "load", "--env", str(environment), "--scenario",
               str(scenario), "--profile", "load", "--runs", str(runs), "--json"]  # fmt: skip
    return verdict_of(
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    )


@contextmanager
def system(setup: Setup, folder: Path) -> Iterator[dict[str, Any]]:
    """Run the shops and what scrapes them; yield the environment."""
    ports = [free_port() for _ in range(_SHOPS_OF_ONE_JOB if setup is Setup.ONE_JOB else 1)]
    age = ["--page-age", str(_PAGE_AGE_S)] if setup is Setup.TIMESTAMPS else []
    with ExitStack() as held:
        for number, port in enumerate(ports, start=1):
            place = folder / f"shop-{number}"
            place.mkdir()
            command = [sys.executable, "-m", "benchmarks.faulty_shop", str(port), str(place), *age]
            held.enter_context(running(command, f"127.0.0.1:{port}", place))
        url = held.enter_context(_backend(setup, folder, ports))
        yield environment_of(setup, folder, ports, url)


def environment_of(name: str, folder: Path, ports: Sequence[int], url: str) -> dict[str, Any]:
    """Return the environment of shops at ports of this machine, and of what scrapes them."""
    shops = {f"shop-{number}": port for number, port in enumerate(ports, start=1)}
    return {
        "environment": name,
        "services": {
            shop: {"url": f"http://127.0.0.1:{port}", "job": _JOB} for shop, port in shops.items()
        },
        "prometheus": {"url": url},
        "databases": {shop: f"sqlite:///{folder / shop / DATABASE}" for shop in shops},
        "headers": {"X-Tenant-ID": "{{ tenant }}"},
        "exclusive": True,
        "load": {"allowed": True},
    }


@contextmanager
def _backend(setup: Setup, folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Scrape the shops twice a second; yield the URL that is asked."""
    place, stored = folder / "prometheus", folder / "victoria"
    place.mkdir()
    stored.mkdir()
    targets = [f"127.0.0.1:{port}" for port in ports]
    scraping: dict[str, object] = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [{"job_name": _JOB, "static_configs": [{"targets": targets}]}],
    }
    with ExitStack() as held:
        victoria = ""
        if setup is Setup.REMOTE_WRITE:
            victoria = held.enter_context(real_victoria(stored))
            scraping["remote_write"] = [{"url": f"{victoria}/api/v1/write"}]
        (place / "scrape.json").write_text(json.dumps(scraping))
        prometheus = held.enter_context(configured_prometheus(place, place / "scrape.json"))
        yield victoria or prometheus


def scenario_of(shops: Sequence[str]) -> dict[str, object]:
    """Return a scenario that orders once from each shop."""
    rows = "SELECT count(*) FROM orders WHERE tenant = :tenant"
    return {
        "scenario": "shops",
        "quantities": {
            shop.replace("-", "_"): {
                "prometheus": 'shop_orders_total{tenant="{{ tenant }}"}',
                "service": shop,
                "database": {shop: rows},
            }
            for shop in shops
        },
        "flow": [
            {
                "step": f"order from {shop}",
                "request": f"POST {shop} /orders",
                "json": {"owner": "{{ unique }}"},
                "expect": {"status": 201},
                "counts": {shop.replace("-", "_"): 1},
            }
            for shop in shops
        ],
        "profiles": {"load": {"rate": "10/s", "duration": "5s", "max_users": 50}},
        "checks": {"success_rate": "100%"},
    }


if __name__ == "__main__":
    sys.exit(main())
