"""Malformed input: in files, on the command line, from services and from Prometheus."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.command import Start
from tests.usage_rows import figure_of

SCENARIO = """
scenario: one-step
quantities:
  things: {prometheus: things_total}
flow:
  - step: ask
    request: GET fake /%s
    timeout: 1s
    expect: {status: 200, json: {ok: true}}
    counts: {things: 1}
profiles:
  e2e: {users: 1, iterations: 2}
checks:
  usage: [things]
"""

ENVIRONMENT = """
environment: fake
services:
  fake: {url: "%(url)s"}
prometheus: {url: "%(url)s/%(prometheus)s", timeout: 1s}
load: {allowed: true, max_users: 1}
"""


class Rubbish(BaseHTTPRequestHandler):
    """Answers each path in another wrong way."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.path = self.path.split("?")[0]
        kind = self.path.strip("/").split("/")[0]
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        {"html": self.html, "204": self.nothing, "big": self.big, "invalid": self.invalid,
         "silence": self.silence, "health": self.well, "metrics": self.metrics, "ok": self.well,
         "hang": self.hang, "500": self.broken}.get(kind, self.html)()  # fmt: skip

    def say(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def well(self) -> None:
        self.server.things += self.path == "/ok"  # type: ignore[attr-defined]
        self.say(200, "application/json", b'{"ok": true}')

    def metrics(self) -> None:
        text = f"# TYPE things counter\nthings_total {self.server.things}\n"  # type: ignore[attr-defined]
        self.say(200, "text/plain", text.encode())

    def html(self) -> None:
        self.say(200, "text/html", b"<html><script>alert(1)</script>Welcome</html>")

    def invalid(self) -> None:
        self.say(200, "application/json", b'{"ok": tru')

    def broken(self) -> None:
        self.say(500, "text/plain", b"out of order")

    def nothing(self) -> None:
        self.send_response(204)
        self.end_headers()

    def silence(self) -> None:
        self.close_connection = True

    def hang(self) -> None:
        time.sleep(2)
        self.close_connection = True

    def big(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000000")
        self.end_headers()
        try:
            for _ in range(100):
                self.wfile.write(b"x" * 1_000_000)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Write no log."""


@pytest.fixture
def fake() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rubbish)
    server.daemon_threads = True
    server.seen, server.things = [], 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def write_files(folder: Path, fake: ThreadingHTTPServer, path: str, prometheus: str) -> list[str]:
    url = f"http://127.0.0.1:{fake.server_address[1]}"
    environment, scenario = folder / "fake.yaml", folder / "one.yaml"
    environment.write_text(ENVIRONMENT % {"url": url, "prometheus": prometheus})
    scenario.write_text(SCENARIO % path)
    return ["--env", str(environment), "--scenario", str(scenario)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("html", "not JSON: text/html, 45 bytes"),
        ("204", "status 204, expected 200"),
        ("big", "the body is over 10,000,000 bytes"),
        ("invalid", "not JSON: application/json, 10 bytes"),
        ("silence", "the connection broke: it was closed before a response"),
        ("hang", "no response within 1 s"),
        ("500", "status 500, expected 200"),
    ],
)
def test_a_wrong_answer_is_a_failure_with_its_reason(
    start: Start, fake: ThreadingHTTPServer, tmp_path: Path, path: str, reason: str
) -> None:
    ended = start("e2e", *write_files(tmp_path, fake, path, "500")).wait()
    assert ended.code == 1, ended.stdout + ended.stderr
    assert [each["reason"] for each in ended.result["failures"]] == [reason]
    assert ended.result["failures"][0]["count"] == 2
    assert "Traceback" not in ended.stdout + ended.stderr
    assert "<script>alert" not in (ended.folder / "report.html").read_text()


@pytest.mark.long
@pytest.mark.parametrize(
    ("prometheus", "words"),
    [
        ("500", "responded 500"),
        ("hang", "did not respond in time"),
        ("html", "does not respond as Prometheus does"),
        ("204", "responded 204"),
        ("health", "does not respond as Prometheus does"),
    ],
)
def test_a_prometheus_that_does_not_work_is_inconclusive_with_its_reason(
    start: Start, fake: ThreadingHTTPServer, tmp_path: Path, prometheus: str, words: str
) -> None:
    ended = start("e2e", *write_files(tmp_path, fake, "ok", prometheus)).wait()
    assert ended.code == 3, ended.stdout + ended.stderr
    (row,) = ended.result["usage"]
    assert words in figure_of(row, "prometheus")["detail"]
    assert "Traceback" not in ended.stdout + ended.stderr
    assert (ended.folder / "junit.xml").exists()


@pytest.mark.core
@pytest.mark.long
def test_a_scenario_with_three_mistakes_says_all_three_and_sends_nothing(
    start: Start, fake: ThreadingHTTPServer, tmp_path: Path
) -> None:
    arguments = write_files(tmp_path, fake, "ok", "500")
    scenario = tmp_path / "one.yaml"
    text = scenario.read_text().replace("timeout: 1s", "timeout: 1").replace("expect:", "expct:")
    scenario.write_text(text.replace("usage: [things]", "usage: [thing]"))
    ended = start("e2e", *arguments).wait()
    assert ended.code == 2
    assert ended.stderr.splitlines() == [
        f"{scenario}:8: flow.0.timeout: 1 is not a duration; "
        "write a number and a unit: 500ms, 2.5s, 10m",
        f"{scenario}:9: unknown key 'expct'; did you mean expect?",
        f"{scenario}:14: unknown quantity 'thing'; did you mean things?",
    ]
    assert fake.seen == []  # type: ignore[attr-defined]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nightly", "--env", "nowhere"], "no such environment; known: local"),
        (["e2e", "mine.yaml"], "mine.yaml: write --scenario or --env before the file"),
        pytest.param(
            ["nightly", "--scenario", "nothing"], "no such scenario; known: onboarding_load",
            marks=pytest.mark.long,
        ),
        (
            ["load", "--profile", "weekly"],
            "no profile is named 'weekly'; known here: e2e, benchmark",
        ),
        pytest.param(
            ["nightly", "--fault", "slow-tale"],
            "unknown fault 'slow-tale'; did you mean slow-tail?",
            marks=pytest.mark.long,
        ),
        (["nightly", "--frobnicate"], "nightly has no option --frobnicate"),
        (["check", "20260101-000000-ffff"], "no such run"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_one_sentence_and_exit_two(
    start: Start, arguments: list[str], words: str
) -> None:
    ended = start(*arguments, "--json").wait()
    assert ended.code == 2
    assert words in ended.stderr
    document = json.loads(ended.stdout)
    assert document["exit_code"] == 2
    assert words in document["problems"][0]


@pytest.mark.core
@pytest.mark.long
def test_a_load_is_refused_where_the_environment_allows_none(
    start: Start, fake: ThreadingHTTPServer, tmp_path: Path
) -> None:
    arguments = write_files(tmp_path, fake, "ok", "500")
    environment = tmp_path / "fake.yaml"
    text = environment.read_text().replace("allowed: true, max_users: 1", "allowed: false")
    environment.write_text(text)
    ended = start("e2e", *arguments).wait()
    assert ended.code == 2
    assert "the profile 'e2e' is a load, and fake allows none" in ended.stderr
    assert fake.seen == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content",
    [
        b"a: [1",
        *(pytest.param(each, marks=pytest.mark.long)
          for each in (b"", b"\xff\xfe\x00", b"a: &x 1\nb: *x")),
    ],
)  # fmt: skip
def test_a_file_that_is_not_yaml_is_one_sentence(
    start: Start, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "rubbish.yaml"
    path.write_bytes(content)
    ended = start("nightly", "--scenario", str(path)).wait()
    assert ended.code == 2
    assert ended.stderr.startswith(str(path))
    assert len(ended.stderr.splitlines()) == 1
