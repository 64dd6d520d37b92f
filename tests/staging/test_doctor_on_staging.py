"""Does the doctor name what is wrong with a staging, and a nightly say it in the same words?"""

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
    """Wait until the doctor finds nothing: a Prometheus that has just started needs a moment."""
    deadline = time.monotonic() + _SETTLED_S
    while (told := doctor(made))[0] != 0:
        assert time.monotonic() < deadline, told


def wait_until_told(made: Staging, query: str, value: str) -> None:
    """Wait until Prometheus answers so: it forgets a target after two scrapes that did not come."""
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
def as_it_is(_: Staging) -> Iterator[None]:
    yield


@contextmanager
def certificate_expired(made: Staging) -> Iterator[None]:
    """Show a certificate of the same names that was valid until yesterday."""
    ours = made.certificates
    kept = [path.read_bytes() for path in (ours.ca, ours.certificate, ours.key)]
    expired = sign(made.folder / "expired", NAMES, days=-1)
    ours.ca.write_bytes(expired.ca.read_bytes())
    made.show(expired)
    try:
        yield
    finally:
        for path, content in zip((ours.ca, ours.certificate, ours.key), kept, strict=True):
            path.write_bytes(content)
        made.processes["nginx"].send_signal(signal.SIGHUP)
        wait_until_settled(made)


@contextmanager
def replica_not_scraped(made: Staging) -> Iterator[None]:
    """Have Prometheus know one of the two replicas of Cards."""
    config = made.folder / "prometheus.yaml"
    kept = config.read_text()
    job = next(part for part in kept.split("- job_name: ") if part.startswith("cards"))
    config.write_text(kept.replace(job, job.replace(f", {job.rpartition(', ')[2]}", "]\n  ")))
    made.processes["prometheus"].send_signal(signal.SIGHUP)
    try:
        wait_until_told(made, 'count(up{job="cards"})', "1")
        yield
    finally:
        config.write_text(kept)
        made.processes["prometheus"].send_signal(signal.SIGHUP)
        wait_until_settled(made)


@dataclass(frozen=True)
class Trouble:
    """What is wrong, what it must come to, and the words that both must say."""

    name: str
    code: int
    words: tuple[str, ...]
    changes: dict[str, str] = field(default_factory=dict)
    having: Callable[[Staging], Any] = as_it_is


TROUBLES = (
    Trouble("expired certificate", 1, ("shows a bad certificate (certificate has expired)",),
            having=certificate_expired),
    Trouble("wrong CA", 3, ("that nobody trusted here signed", "name another file in ca_file"),
            {"STAGING_CA_FILE": "@OTHER_CA"}),
    Trouble("wrong token", 3, ("they are refused (401)", "set headers right"),
            {"STAGING_API_TOKEN": "wrong-s3cret-token-0123"}),
    Trouble("replica not scraped", 3, ("1 of its 2 replicas are scraped",),
            having=replica_not_scraped),
    Trouble("clock ten seconds off", 3, ("clock skew to Prometheus", "Set both clocks by NTP"),
            {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": "+10s",
             "FAKETIME_DONT_FAKE_MONOTONIC": "1"}),
    Trouble("database missing", 3, ("the database 'cards': ", "does not exist"),
            {"STAGING_CARDS_DATABASE_URL": "@NO_DATABASE"}),
)  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.name)
def test_the_doctor_names_it_and_a_nightly_says_the_same(made: Staging, trouble: Trouble) -> None:
    if "LD_PRELOAD" in trouble.changes and not _FAKETIME.exists():
        assert not os.environ.get("CI"), "CI has to have faketime: see .ci/run"
        pytest.skip("there is no faketime here")
    changes = {name: filled(made, value) for name, value in trouble.changes.items()}
    with trouble.having(made):
        doctors_code, checklist = doctor(made, **changes)
        nightlys_code, result = nightly(made, **changes)
    assert (doctors_code, nightlys_code) == (trouble.code, trouble.code)
    for told in (checklist, result):
        for words in trouble.words:
            assert words in json.dumps(told), words


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
def test_a_wrong_host_is_named_and_a_nightly_says_the_same(
    made: Staging, tmp_path: Path, host: str, words: str
) -> None:
    text = (ROOT / "config" / "staging.yaml").read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace(f"url: https://{HOSTS['cards']}", f"url: https://{host}"))
    routes = made.variables()["STAGING_CONNECT_TO"] + f" elsewhere.example={made.address}"
    for command in (doctor, nightly):
        code, told = command(made, str(wrong), STAGING_CONNECT_TO=routes)
        assert code == 3
        assert words in json.dumps(told)


def test_a_service_that_is_down_is_named_and_a_nightly_fails(made: Staging) -> None:
    made.end("onboarding-1")
    try:
        for command in (doctor, nightly):
            code, told = command(made)
            assert code == 1
            assert "health of onboarding" in json.dumps(told)
            assert "status 502" in json.dumps(told)
    finally:
        made.begin("onboarding-1")
        wait_until_settled(made)


def test_the_doctor_tells_who_is_there_and_until_when(made: Staging) -> None:
    code, checklist = doctor(made)
    observed = {each["check"]: each["observed"] for each in checklist["findings"]}
    assert code == 0
    assert "version 1.0.0, certificate valid until " in observed["health of cards"]
    assert observed["cards shows its metrics"] == f"{REPLICAS['cards']} of 2 replicas"
    assert observed["Prometheus scrapes workflow"] == "2 of 2 targets up, every 1 s"
    assert observed["cards accepts the headers"] == "not refused (200)"
    assert observed["database cards can be read"] == "it answers"
