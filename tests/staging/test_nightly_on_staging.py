"""A nightly against a staging with foreign traffic: exact, lower bounds, no secrets, limits."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil
import pytest

from checks.verdict import Verdict, exit_code
from tests.integration.command import concluded
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.speed import unproven
from tests.staging.stack import (
    API_TOKEN,
    DATABASE_PASSWORD,
    HOSTS,
    OPERATIONS_TOKEN,
    SECRETS,
    Staging,
    foreign_traffic,
    staging,
)
from tests.usage_rows import value_of

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

_MOST_S = 900
LABELLED = ("sessions", "cards_created", "cards_used", "cards_fetched", "executions")
SHARED = ("batch_requests", "retrieve_requests")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """A staging with a scrape interval of 15 s."""
    with staging(tmp_path_factory.mktemp("slow"), "15s") as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with staging(tmp_path_factory.mktemp("staging"), "2s") as made:
        yield made


class RunningCommand:
    """A running command, and every command line that was visible in the process list."""

    def __init__(self, made: Staging, *arguments: str) -> None:
        self.runs = made.folder / "runs"
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments, "--json", "--runs", str(self.runs)],
            cwd=ROOT, env={**os.environ, **made.variables()},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: set[str] = set()

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Wait for the end and sample the process list; return exit code, result and all output."""
        over = Event()
        watch = Thread(target=self._watch, args=(over,))
        watch.start()
        try:
            stdout, stderr = self.process.communicate(timeout=_MOST_S)
        finally:
            over.set()
            watch.join()
        return self.process.returncode, json.loads(stdout), stdout + stderr

    def _watch(self, over: Event) -> None:
        while not over.wait(0.05):
            for each in psutil.process_iter(["cmdline"]):
                self.lines.add(" ".join(each.info["cmdline"] or ()))

    def exchanges(self) -> int:
        """Return the number of requests that have got a response so far."""
        return concluded(self.runs / "latest", "benchmark")


def rows(result: dict[str, Any], quantity: str) -> list[dict[str, Any]]:
    return [each for each in result["usage"] if each["quantity"] == quantity]


def test_with_foreign_traffic_a_nightly_is_exact_by_tenant_and_inconclusive_without(
    slow: Staging,
) -> None:
    with foreign_traffic(slow) as others:
        started = RunningCommand(slow, "nightly", "--env", "staging")
        code, result, output = started.end()
    inconclusive = {f"usage/{name}": "inconclusive" for name in SHARED}
    assert unproven(result) == inconclusive, output
    assert code == exit_code(Verdict(result["verdict"])) != 0
    assert others[0] > 50
    for row in (row for name in LABELLED for row in rows(result, name)):
        confirmed = row["client"]["confirmed"]
        assert confirmed in (101, 404)
        assert (
            value_of(row, "service"),
            value_of(row, "prometheus"),
            value_of(row, "database"),
        ) == (confirmed,) * 3
    for row in (row for name in SHARED for row in rows(result, name)):
        assert row["client"]["confirmed"] == 101
        assert 101 < value_of(row, "service") <= 101 + others[0] + 1
        assert 101 < value_of(row, "prometheus") <= 101 + others[0] + 1
        assert (row["verdict"], row["code"]) == ("inconclusive", "FOREIGN_TRAFFIC")
    observed = {each["id"]: each["observed"] for each in result["findings"]}
    assert (
        "2 of 2 targets scraped after the last response, every 15 s"
        in observed["precondition/scraped/cards"]
    )
    assert "grew by" in observed["precondition/other-traffic"]
    assert_no_secret(slow, started, output)


def assert_no_secret(made: Staging, started: RunningCommand, output: str) -> None:
    """Search for secrets in all files and output of a run, and in the process list."""
    left = [path for path in started.runs.rglob("*") if path.is_file() and not path.is_symlink()]
    names = {path.name for path in left}
    assert {"report.html", "junit.xml", "summary.md", "result.json", "run.log"} <= names
    assert "environment.yaml" in names
    for secret in SECRETS:
        assert not [path for path in left if secret.encode() in path.read_bytes()]
        assert secret not in output
        assert not [line for line in started.lines if secret in line]
    assert any("locust" in line for line in started.lines), "the process list was in view"
    assert API_TOKEN in made.variables().values()


def test_a_token_that_a_service_echoes_is_redacted(made: Staging, tmp_path: Path) -> None:
    """nginx responds to the workflow step with an error that quotes the Authorization header."""
    config = made.folder / "nginx.conf"
    kept = config.read_text()
    echo = f"""\
        server_name {HOSTS["workflow"]};
        location /api/v1/workflows/execute {{
            return 500 "who sent $http_authorization?";
        }}"""
    config.write_text(kept.replace(f"        server_name {HOSTS['workflow']};", echo))
    made.processes["nginx"].send_signal(signal.SIGHUP)
    time.sleep(0.5)
    try:
        started = RunningCommand(made, "e2e", "--env", "staging")
        code, result, output = started.end()
    finally:
        config.write_text(kept)
        made.processes["nginx"].send_signal(signal.SIGHUP)
    assert code == 1
    assert "who sent Bearer ***?" in json.dumps(result["failures"])
    left = [path for path in started.runs.rglob("*") if path.is_file()]
    for secret in (API_TOKEN, OPERATIONS_TOKEN, DATABASE_PASSWORD):
        assert not [path for path in left if secret.encode() in path.read_bytes()]
        assert secret not in output


def test_a_replica_that_restarts_during_a_run_causes_no_false_fail(made: Staging) -> None:
    with foreign_traffic(made):
        started = RunningCommand(made, "load", "--env", "staging", "--iterations", "700")
        while started.exchanges() < 700 and started.process.poll() is None:
            time.sleep(0.02)
        made.kill("cards-2")
        made.start("cards-2")
        code, result, output = started.end()
    assert unproven(result) == {
        "precondition/process-survives/cards": "inconclusive",
        **{f"usage/{name}": "inconclusive" for name in SHARED},
    }, output
    assert code == exit_code(Verdict(result["verdict"])) != 0
    for row in rows(result, "cards_used"):
        assert value_of(row, "database") == row["client"]["confirmed"] == 700
        assert value_of(row, "service") < 700
        assert value_of(row, "prometheus") <= 700
        assert (row["verdict"], row["code"]) == ("pass", "COUNTER_RESET")
    for row in (row for name in ("cards_fetched", "executions") for row in rows(result, name)):
        assert row["verdict"] == "pass"
        assert value_of(row, "service") == value_of(row, "prometheus") == value_of(row, "database")


def test_no_option_overrides_the_load_limits_of_an_environment(
    made: Staging, tmp_path: Path
) -> None:
    text = (ROOT / "config" / "staging.yaml").read_text()
    strict = tmp_path / "strict.yaml"
    limits = "load: {allowed: true, max_users: 20, max_iterations: 1000}"
    assert limits in text
    strict.write_text(text.replace(limits, "load: {allowed: false}"))
    before = (made.folder / "onboarding-1.log").stat().st_size
    for command in (
        ("nightly",),
        ("load",),
        ("load", "--users", "1"),
        ("load", "--users", "2", "--iterations", "1"),
    ):
        done = subprocess.run(
            [sys.executable, "run.py", *command, "--env", str(strict), "--runs", str(tmp_path)],
            cwd=ROOT, env={**os.environ, **made.variables()},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "is a load, and staging allows none" in done.stderr
    done = subprocess.run(
        [sys.executable, "run.py", "load", "--env", "staging", "--users", "21"],
        cwd=ROOT, env={**os.environ, **made.variables()},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "asks for 21 users, and staging allows 20" in done.stderr
    assert (made.folder / "onboarding-1.log").stat().st_size == before
