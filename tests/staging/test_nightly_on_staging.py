"""Is a nightly on a staging exact where it can be, honest elsewhere, and silent on secrets?"""

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

from tests.integration.command import concluded
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.staging.stack import (
    API_TOKEN,
    DATABASE_PASSWORD,
    HOSTS,
    OPERATIONS_TOKEN,
    SECRETS,
    Staging,
    others_at_work,
    staging,
)

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

_MOST_S = 900
LABELLED = ("sessions", "cards_created", "cards_used", "cards_fetched", "executions")
SHARED = ("batch_requests", "retrieve_requests")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """A staging that is scraped four times a minute."""
    with staging(tmp_path_factory.mktemp("slow"), "15s") as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with staging(tmp_path_factory.mktemp("staging"), "2s") as made:
        yield made


class Started:
    """A command under way, and every command line that it and its children had."""

    def __init__(self, made: Staging, *arguments: str) -> None:
        self.runs = made.folder / "runs"
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments, "--json", "--runs", str(self.runs)],
            cwd=ROOT, env={**os.environ, **made.variables()},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: set[str] = set()

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Wait for the end, the process list in view; return code, result and all that was said."""
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
        """Count the requests that were answered by now."""
        return concluded(self.runs / "latest", "benchmark")


def rows(result: dict[str, Any], quantity: str) -> list[dict[str, Any]]:
    return [each for each in result["usage"] if each["quantity"] == quantity]


def test_a_nightly_among_others_is_exact_by_tenant_and_a_lower_bound_where_it_is_shared(
    slow: Staging,
) -> None:
    with others_at_work(slow) as others:
        started = Started(slow, "nightly", "--env", "staging")
        code, result, said = started.end()
    assert code == 0, said
    assert others[0] > 50
    for row in (row for name in LABELLED for row in rows(result, name)):
        told = row["client"]["confirmed"]
        assert told in (101, 404)
        assert (row["service"], row["prometheus"], row["database"]) == (told, told, told)
    for row in (row for name in SHARED for row in rows(result, name)):
        assert row["client"]["confirmed"] == 101
        assert 101 < row["service"] <= 101 + others[0] + 1
        assert 101 < row["prometheus"] <= 101 + others[0] + 1
        assert (row["verdict"], row["code"]) == ("pass", "FOREIGN_TRAFFIC")
    observed = {each["check"]: each["observed"] for each in result["findings"]}
    assert (
        "2 of 2 targets after the last answer, every 15 s" in observed["Prometheus scrapes cards"]
    )
    assert "grew by" in observed["traffic of other tenants"]
    tell_no_secret(slow, started, said)


def tell_no_secret(made: Staging, started: Started, said: str) -> None:
    """Look through all that a run leaves and says, and through the process list."""
    left = [path for path in started.runs.rglob("*") if path.is_file() and not path.is_symlink()]
    names = {path.name for path in left}
    assert {"report.html", "junit.xml", "summary.md", "result.json", "run.log"} <= names
    assert "environment.yaml" in names
    for secret in SECRETS:
        assert not [path for path in left if secret.encode() in path.read_bytes()]
        assert secret not in said
        assert not [line for line in started.lines if secret in line]
    assert any("locust" in line for line in started.lines), "the process list was in view"
    assert API_TOKEN in made.variables().values()


def test_a_token_that_a_service_echoes_is_blotted_out_of_what_is_kept(
    made: Staging, tmp_path: Path
) -> None:
    """The token is a wrong one, and nginx' answer to it is replaced by one that tells it."""
    config = made.folder / "nginx.conf"
    kept = config.read_text()
    told = f"""\
        server_name {HOSTS["workflow"]};
        location /api/v1/workflows/execute {{
            return 500 "who sent $http_authorization?";
        }}"""
    config.write_text(kept.replace(f"        server_name {HOSTS['workflow']};", told))
    made.processes["nginx"].send_signal(signal.SIGHUP)
    time.sleep(0.5)
    try:
        started = Started(made, "e2e", "--env", "staging")
        code, result, said = started.end()
    finally:
        config.write_text(kept)
        made.processes["nginx"].send_signal(signal.SIGHUP)
    assert code == 1
    assert "who sent Bearer ***?" in json.dumps(result["failures"])
    left = [path for path in started.runs.rglob("*") if path.is_file()]
    for secret in (API_TOKEN, OPERATIONS_TOKEN, DATABASE_PASSWORD):
        assert not [path for path in left if secret.encode() in path.read_bytes()]
        assert secret not in said


def test_a_replica_that_is_restarted_in_mid_run_never_makes_a_false_fail(made: Staging) -> None:
    with others_at_work(made):
        started = Started(made, "load", "--env", "staging", "--iterations", "700")
        while started.exchanges() < 700 and started.process.poll() is None:
            time.sleep(0.02)
        made.end("cards-2")
        made.begin("cards-2")
        code, result, said = started.end()
    assert code == 3, said
    verdicts = {each["check"]: each["verdict"] for each in result["findings"]}
    assert verdicts["cards lives through the run"] == "inconclusive"
    assert "fail" not in verdicts.values()
    for row in rows(result, "cards_used"):
        assert row["database"] == row["client"]["confirmed"] == 700
        assert row["service"] < 700
        assert row["prometheus"] <= 700
        assert (row["verdict"], row["code"]) == ("pass", "COUNTER_RESET")
        assert "The database decides" in row["detail"]
    for row in (row for name in ("cards_fetched", "executions") for row in rows(result, name)):
        assert row["verdict"] == "pass"
        assert row["service"] == row["prometheus"] == row["database"]


def test_no_load_goes_where_none_is_allowed_and_no_option_helps(
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
