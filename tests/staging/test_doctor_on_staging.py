"""The doctor and the nightly report the same faults of a staging in the same words."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.secured_servers import sign
from tests.staging.stack import HOSTS, NAMES, OPERATIONS_TOKEN, REPLICAS, Staging, staging

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_SETTLED_S = 60.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with staging(tmp_path_factory.mktemp("staging"), "1s") as up:
        wait_until_settled(up)
        yield up


def doctor(made: Staging, env: str = "staging", **changes: str) -> tuple[int, dict[str, Any]]:
    done = run(made, "doctor", "--env", env, "--json", **changes)
    return done.returncode, json.loads(done.stdout)


def nightly(made: Staging, env: str = "staging", **changes: str) -> tuple[int, dict[str, Any]]:
    runs = str(made.folder / "runs")
    done = run(made, "nightly", "--env", env, "--json", "--runs", runs, **changes)
    return done.returncode, json.loads(done.stdout)


def run(made: Staging, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT, env={**os.environ, **made.variables(**changes)},
        capture_output=True, text=True, timeout=HANGS_S, check=False,
    )  # fmt: skip


def wait_until_settled(made: Staging) -> None:
    """Wait until the doctor passes: after a start, Prometheus needs a few scrapes."""
    deadline = time.monotonic() + _SETTLED_S
    while (outcome := doctor(made))[0] != 0:
        assert time.monotonic() < deadline, outcome


def wait_for_value(made: Staging, query: str, value: str) -> None:
    """Wait until a query has a value: a removed target disappears only after two missed scrapes."""
    deadline = time.monotonic() + _SETTLED_S
    headers = {"Authorization": f"Bearer {OPERATIONS_TOKEN}"}
    address = f"https://{HOSTS['prometheus']}/api/v1/query"
    with made.client() as client:
        while (
            f'"{value}"' not in client.get(address, params={"query": query}, headers=headers).text
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@contextmanager
def unchanged(_: Staging) -> Iterator[None]:
    yield


@contextmanager
def certificate_expired(made: Staging) -> Iterator[None]:
    """Serve a certificate for the same names that expired yesterday."""
    ours = made.certificates
    kept = [path.read_bytes() for path in (ours.ca, ours.certificate, ours.key)]
    expired = sign(made.folder / "expired", NAMES, days=-1)
    ours.ca.write_bytes(expired.ca.read_bytes())
    made.reload_certificate(expired)
    try:
        yield
    finally:
        for path, content in zip((ours.ca, ours.certificate, ours.key), kept, strict=True):
            path.write_bytes(content)
        made.processes["nginx"].send_signal(signal.SIGHUP)
        wait_until_settled(made)


@contextmanager
def replica_not_scraped(made: Staging) -> Iterator[None]:
    """Remove one of the two replicas of Cards from Prometheus' configuration."""
    config = made.folder / "prometheus.yaml"
    kept = config.read_text()
    job = next(part for part in kept.split("- job_name: ") if part.startswith("cards"))
    config.write_text(kept.replace(job, job.replace(f", {job.rpartition(', ')[2]}", "]\n  ")))
    made.processes["prometheus"].send_signal(signal.SIGHUP)
    try:
        wait_for_value(made, 'count(up{job="cards"})', "1")
        yield
    finally:
        config.write_text(kept)
        made.processes["prometheus"].send_signal(signal.SIGHUP)
        wait_until_settled(made)


@dataclass(frozen=True)
class StagingFault:
    """A fault, the exit code that it must cause, and the words that both must report."""

    name: str
    code: int
    words: tuple[str, ...]
    changes: dict[str, str] = field(default_factory=dict)
    having: Callable[[Staging], Any] = unchanged


FAULTS = (
    StagingFault("expired certificate", 1, ("shows a bad certificate (certificate has expired)",),
            having=certificate_expired),
    StagingFault("wrong CA", 3, ("that nobody trusted here signed", "name another file in ca_file"),
            {"STAGING_CA_FILE": "@OTHER_CA"}),
    StagingFault("wrong token", 3,
            ("they are refused (401)", "correct headers in the environment's file"),
            {"STAGING_API_TOKEN": "wrong-s3cret-token-0123"}),
    StagingFault("replica not scraped", 3, ("1 of its 2 replicas are scraped",),
            having=replica_not_scraped),
    StagingFault("clock ten seconds off", 3, ("clock/prometheus", "Set both clocks by NTP"),
            {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": "+10s",
             "FAKETIME_DONT_FAKE_MONOTONIC": "1"}),
    StagingFault("database missing", 3, ("the database 'cards': ", "does not exist"),
            {"STAGING_CARDS_DATABASE_URL": "@NO_DATABASE"}),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.name)
def test_the_doctor_and_the_nightly_report_the_same_fault(
    made: Staging, fault: StagingFault
) -> None:
    if "LD_PRELOAD" in fault.changes and not _FAKETIME.exists():
        assert not os.environ.get("CI"), "CI must have faketime: see .ci/run"
        pytest.skip("faketime is not installed")
    changes = {name: filled(made, value) for name, value in fault.changes.items()}
    with fault.having(made):
        doctors_code, checklist = doctor(made, **changes)
        nightlys_code, result = nightly(made, **changes)
    assert (doctors_code, nightlys_code) == (fault.code, fault.code)
    for report in (checklist, result):
        for words in fault.words:
            assert words in json.dumps(report), words


def filled(made: Staging, value: str) -> str:
    if value == "@OTHER_CA":
        return str(sign(made.folder / "others", NAMES).ca)
    if value == "@NO_DATABASE":
        return made.databases["cards"].replace("test_cards", "no_such")
    return value


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("nowhere.invalid", "cannot be reached: nowhere.invalid: "),
        ("elsewhere.example", "shows a certificate that is not for elsewhere.example"),
    ],
)
def test_the_doctor_and_the_nightly_report_a_wrong_host(
    made: Staging, tmp_path: Path, host: str, words: str
) -> None:
    text = (ROOT / "config" / "staging.yaml").read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(f"url: https://{HOSTS['cards']}", f"url: https://{host}"))
    routes = made.variables()["STAGING_CONNECT_TO"] + f" elsewhere.example={made.address}"
    for command in (doctor, nightly):
        code, report = command(made, str(wrong), STAGING_CONNECT_TO=routes)
        assert code == 3
        assert words in json.dumps(report)


def test_the_doctor_and_the_nightly_fail_if_a_service_is_down(made: Staging) -> None:
    made.kill("onboarding-1")
    try:
        for command in (doctor, nightly):
            code, report = command(made)
            assert code == 1
            assert "health/onboarding" in json.dumps(report)
            assert "status 502" in json.dumps(report)
    finally:
        made.start("onboarding-1")
        wait_until_settled(made)


def test_the_doctor_reports_versions_replicas_and_certificate_expiry(made: Staging) -> None:
    code, checklist = doctor(made)
    observed = {each["id"]: each["observed"] for each in checklist["findings"]}
    assert code == 0
    assert "version 1.0.0, certificate valid until " in observed["health/cards"]
    assert observed["precondition/metrics-readable/cards"] == f"{REPLICAS['cards']} of 2 replicas"
    assert observed["precondition/scraped/workflow"] == "2 of 2 targets up, every 1 s"
    assert observed["headers/cards"] == "not refused (200)"
    assert observed["health/database/cards"] == "it answers"
