"""A metering service: it books tokens on customers, in its metrics and in SQLite.

`python -m tests.integration.metering PORT DATABASE [FAULT]` serves it. One of its answers is booked
wrongly: the one with the number FAULTY. A job is asked for with a token of OAuth 2.0, and is done
when it has been asked about three times; then its tokens are booked. Those of a task are booked
when it is started, also if nobody can ask about it. A chat is a stream of events,
each booked before it is sent; the service goes on until it notices that the client has hung up.
"""

import json
import random
import select
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from tests.integration.real_prometheus import real_prometheus
from tests.paths import ROOT
from tests.secured_servers import free_port

CUSTOMERS = 50
FAULTY = 20
CHAT_EVENTS = 40
NOTICES_S = 5.0
FAULTS = ("lost", "doubled", "rounded", "other-customer", "rejected", "lost-row")

ENVIRONMENT = """
environment: metering
services:
  gateway: {{url: "http://127.0.0.1:{port}"}}
databases: {{billing: "sqlite:///{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
exclusive: true
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""

QUANTITIES = """
scenario: metering
quantities:
  tokens:
    by: [customer]
    unit: tokens
    resolution: 0.001
    prometheus: tokens_used_total{tenant="{{ tenant }}"}
    database:
      billing: "SELECT customer, sum(tokens) FROM usage WHERE tenant = :tenant GROUP BY customer"
"""
PROFILES = """profiles:
  load: {users: 4, iterations: 300}
checks:
  success_rate: 90%
"""
TRACES = """    traces:
      billing: "SELECT trace, customer, tokens FROM usage WHERE tenant = :tenant"
"""
FLOW = """flow:
  - step: choose a customer
    request: GET gateway /customers/any
    save: {customer: id}
  - step: ask
    request: POST gateway /answers
    json: {customer: "{{ customer }}"}
    timeout: 5s
    save: {spent: usage.tokens}
    counts: {tokens: {"{{ customer }}": "{{ spent }}"}}
    at_most: {tokens: 100}
"""
SCENARIO = QUANTITIES + TRACES + FLOW + PROFILES

JOBS_ENVIRONMENT = ENVIRONMENT.replace(
    '{{url: "http://127.0.0.1:{port}"}}',
    """
    url: "http://127.0.0.1:{port}"
    auth:
      oauth2: {{token_url: "http://127.0.0.1:{port}/token", client_id: ada,
                client_secret: "${{METERING_SECRET}}"}}""",
)
JOBS_FLOW = """
data:
  customers: {file: customers.csv, order: random, seed: 7}
setup:
  - {step: open the books, request: POST gateway /books, expect: {status: 2xx}}
flows:
  work:
    share: 3
    steps:
      - step: ask for a job
        request: POST gateway /jobs
        json: {customer: "{{ customers.id }}"}
        expect: {status: [201, 202]}
        save: {job: {header: X-Job}}
      - step: wait for the job
        request: GET gateway /jobs/{{ job }}
        expect: {status: 200}
        until: {json: {done: true}, every: 5ms, within: 10s}
      - step: take the result
        request: GET gateway /jobs/{{ job }}/result
        save: {spent: usage.tokens}
        counts: {tokens: {"{{ customers.id }}": "{{ spent }}"}}
  look:
    share: 1
    steps:
      - {step: look, request: GET gateway /customers/any}
teardown:
  - {step: close the books, request: DELETE gateway /books, expect: {status: 204}}
"""
# the result of a job is known in another request than the one that used tokens: no traces
JOBS_SCENARIO = QUANTITIES + JOBS_FLOW + PROFILES
# a task uses its tokens when it is started; one of ten cannot be asked about
TASKS_FLOW = """
data:
  customers: {file: customers.csv, order: random, seed: 7}
flow:
  - step: start a task
    request: POST gateway /tasks
    json: {customer: "{{ customers.id }}"}
    expect: {status: 202}
    save: {task: {header: X-Job}}
    counts: {tokens: {"{{ customers.id }}": "{{ spent }}"}}
    at_most: {tokens: 100}
    reported_by: wait for the task
  - step: wait for the task
    request: GET gateway /tasks/{{ task }}
    until: {json: {done: true}, every: 5ms, within: 10s}
    save: {spent: usage.tokens}
"""
TASKS_SCENARIO = QUANTITIES + TRACES + TASKS_FLOW + PROFILES
CHAT_FLOW = """
data:
  customers: {file: customers.csv, order: random, seed: 7}
flow:
  - step: chat
    request: POST gateway /chats
    json: {customer: "{{ customers.id }}"}
    stream: sse
    expect: {events: 42, json: {"events[-1].data": "[DONE]", "events[0].event": delta}}
    counts: {tokens: {"{{ customers.id }}": "{{ events[-2].data.usage.tokens }}"}}
    at_most: {tokens: 100}
  - step: hang up
    request: POST gateway /chats
    json: {customer: "{{ customers.id }}", waits_after: 3, late_by: 0}
    stream: sse
    hang_up: {after_events: 3}
    counts:
      tokens: {"{{ customers.id }}": "{{ events | map(attribute='data.tokens') | sum }}"}
    at_most: {tokens: 100}
  - step: hang up on a service that notices late
    request: POST gateway /chats
    json: {customer: "{{ customers.id }}", waits_after: 3, late_by: 2}
    stream: sse
    hang_up:
      after_events: 3
      at_most: {tokens: "{{ (events | map(attribute='data.tokens') | sum) + 4 }}"}
    counts:
      tokens: {"{{ customers.id }}": "{{ events | map(attribute='data.tokens') | sum }}"}
    at_most: {tokens: 100}
"""
CHAT_SCENARIO = (
    QUANTITIES
    + TRACES
    + CHAT_FLOW
    + PROFILES.replace(
        "checks:\n",
        """checks:
  latency:
    - {step: "chat: first event", p95: 5s}
    - {step: "hang up: longest gap", max: 10s}
""",
    )
)
TOKEN_S = 20.0


@contextmanager
def metering(
    folder: Path,
    fault: str = "",
    *,
    has_jobs: bool = False,
    has_prometheus: bool = False,
    written_scenario: str = "",
) -> Iterator[list[str]]:
    """Serve it within the block; yield the options of a run against it."""
    folder.joinpath("customers.csv").write_text(
        "\n".join(["id", *(f"c{number}" for number in range(CUSTOMERS))])
    )
    port, database = free_port(), folder / "billing.sqlite"
    environment, scenario = folder / "metering.yaml", folder / "tokens.yaml"
    written = JOBS_ENVIRONMENT if has_jobs else ENVIRONMENT
    written = written.format(port=port, database=database)
    scenario.write_text(written_scenario or (JOBS_SCENARIO if has_jobs else SCENARIO))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.metering", str(port), str(database), fault],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with ExitStack() as held:
        held.callback(process.communicate)
        held.callback(process.kill)
        assert process.stdout.readline() == "open\n"
        if has_prometheus:
            url = held.enter_context(real_prometheus(folder, "gateway", port))
            written += f'prometheus: {{url: "{url}"}}\n'
        environment.write_text(written)
        yield ["--env", str(environment), "--scenario", str(scenario), "--profile", "load"]


class Meter:
    """What was booked: floats in the counters, as any exporter has them, and rows."""

    def __init__(self, database: Path, fault: str) -> None:
        self._rows = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA synchronous=OFF")
        self._rows.execute(
            "CREATE TABLE usage (tenant TEXT, trace TEXT, customer TEXT, tokens REAL)"
        )
        self._used: Counter[tuple[str, str]] = Counter()
        self._fault, self._answers, self._lock = fault, 0, Lock()
        self._hang_ups = 0
        self._began_at = time.time()
        self._tokens: dict[str, float] = {}
        self._jobs: dict[str, tuple[str, int, dict[str, object]]] = {}

    def answer(self, tenant: str, trace: str, customer: str) -> tuple[int, dict[str, object]]:
        """Book one answer, and return it."""
        tokens = Decimal(random.randint(1, 100_000)) / 1000
        with self._lock:
            self._answers += 1
            fault = self._fault if self._answers == FAULTY else ""
            counted = {
                "lost": Decimal(0),
                "doubled": 2 * tokens,
                "rounded": tokens.to_integral_value() + Decimal("0.25"),
            }
            booked = "stranger" if fault == "other-customer" else customer
            self._used[tenant, booked] += float(counted.get(fault, tokens))  # type: ignore[assignment]
            if fault not in ("lost-row", "rejected"):
                row = (tenant, trace, customer, float(tokens))
                self._rows.execute("INSERT INTO usage VALUES (?, ?, ?, ?)", row)
        if fault == "rejected":
            return 422, {"error": "too long"}
        return 200, {"usage": {"tokens": float(tokens)}}

    def book(self, tenant: str, trace: str, customer: str, tokens: Decimal) -> None:
        """Book a part of an answer."""
        with self._lock:
            self._used[tenant, customer] += float(tokens)  # type: ignore[assignment]
            row = (tenant, trace, customer, float(tokens))
            self._rows.execute("INSERT INTO usage VALUES (?, ?, ?, ?)", row)

    def books_the_rest(self) -> bool:
        """Return whether this hang-up is booked as if all had been read: the fault."""
        with self._lock:
            self._hang_ups += 1
            return self._fault == "hang-up-whole" and self._hang_ups == FAULTY

    def issue_token(self) -> dict[str, object]:
        """Issue a token of 20 seconds."""
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = time.monotonic() + TOKEN_S
        return {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S}

    def accepts(self, authorization: str) -> bool:
        """Return whether a token is valid; without OAuth 2.0 none is needed."""
        until = self._tokens.get(authorization.removeprefix("Bearer "), 0.0)
        return not self._tokens or time.monotonic() < until

    def open_job(self, customer: str) -> str:
        """Begin a job, and return its id."""
        with self._lock:
            job = f"j{len(self._jobs)}"
            self._jobs[job] = customer, 0, {}
        return job

    def ask_about(self, job: str, tenant: str, trace: str) -> bool:
        """Return whether a job is done; its tokens are booked when it is."""
        with self._lock:
            customer, times, result = self._jobs[job]
            self._jobs[job] = customer, times + 1, result
        if times == 2:
            self._jobs[job] = customer, times, self.answer(tenant, trace, customer)[1]
        return times >= 2

    def start_task(self, tenant: str, trace: str, customer: str) -> str:
        """Book a task, and return its id."""
        job, result = self.open_job(customer), self.answer(tenant, trace, customer)[1]
        with self._lock:
            self._jobs[job] = customer, 0, result
        return job

    def ask_about_task(self, job: str) -> tuple[int, dict[str, object]]:
        """Return what a task has used, when it is asked about for the second time; or an error."""
        with self._lock:
            customer, times, result = self._jobs[job]
            self._jobs[job] = customer, times + 1, result
        if job.endswith("0"):
            return 500, {}
        return 200, {"done": times > 0, **result}

    def result_of(self, job: str) -> dict[str, object]:
        """Return what a job that is done has used."""
        return self._jobs[job][2]

    def page(self) -> str:
        """Show the counters as Prometheus' text format does."""
        with self._lock:
            lines = [
                f'tokens_used_total{{tenant="{tenant}",customer="{customer}"}} {used!r}'
                for (tenant, customer), used in self._used.items()
            ]
        head = ["# TYPE process_cpu_seconds_total counter",  # or it may be cached
                f"process_cpu_seconds_total {time.process_time()}",
                "# TYPE process_start_time_seconds gauge",
                f"process_start_time_seconds {self._began_at}",
                "# TYPE tokens_used_total counter"]  # fmt: skip
        return "\n".join([*head, *lines, ""])


def serve(port: int, database: Path, fault: str) -> None:
    """Serve until killed."""
    meter = Meter(database, fault)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._say(200, meter.page(), "text/plain")
            elif self.path == "/health":
                self._say(200, "{}")
            elif not meter.accepts(self.headers.get("Authorization", "")):
                self._say(401, "{}")
            elif self.path.endswith("/result"):
                self._say(200, json.dumps(meter.result_of(self.path.split("/")[2])))
            elif self.path.startswith("/tasks/"):
                status, content = meter.ask_about_task(self.path.removeprefix("/tasks/"))
                self._say(status, json.dumps(content))
            elif self.path.startswith("/jobs/"):
                tenant, trace = self.headers["X-Tenant-ID"], self.headers["X-Trace-ID"]
                done = meter.ask_about(self.path.removeprefix("/jobs/"), tenant, trace)
                self._say(200, json.dumps({"done": done}))
            else:
                self._say(200, json.dumps({"id": f"c{random.randrange(CUSTOMERS)}"}))

        def do_DELETE(self) -> None:
            self._say(204, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/token":
                self._say(200, json.dumps(meter.issue_token()))
                return
            if not meter.accepts(self.headers.get("Authorization", "")):
                self._say(401, "{}")
                return
            if self.path == "/books":
                self._say(200, "{}")
                return
            asked = json.loads(body)
            if self.path == "/chats":
                self._chat(asked)
                return
            if self.path == "/jobs":
                self._say(202, "{}", job=meter.open_job(asked["customer"]))
                return
            tenant, trace = self.headers["X-Tenant-ID"], self.headers["X-Trace-ID"]
            if self.path == "/tasks":
                self._say(202, "{}", job=meter.start_task(tenant, trace, asked["customer"]))
                return
            status, content = meter.answer(tenant, trace, asked["customer"])
            self._say(status, json.dumps(content))

        def _chat(self, asked: dict[str, Any]) -> None:
            """Stream an answer, each part of it booked before it is sent."""
            tenant, trace = self.headers["X-Tenant-ID"], self.headers["X-Trace-ID"]
            parts = [Decimal(random.randint(1, 2_000)) / 1000 for _ in range(CHAT_EVENTS)]
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number, tokens in enumerate(parts, 1):
                meter.book(tenant, trace, asked["customer"], tokens)
                content = json.dumps({"tokens": float(tokens)})
                is_sent = self._send_event(f"event: delta\ndata: {content}\n\n")
                wait_s = NOTICES_S if number == asked.get("waits_after") else 0.0
                if not is_sent or self._has_hung_up(wait_s):
                    end = None if meter.books_the_rest() else number + asked["late_by"]
                    for rest in parts[number:end]:
                        meter.book(tenant, trace, asked["customer"], rest)
                    self.close_connection = True
                    return
            usage = json.dumps({"usage": {"tokens": float(sum(parts))}})
            self._send_event(f"data: {usage}\n\ndata: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")

        def _send_event(self, event: str) -> bool:
            """Send an event as a chunk; return whether the client still takes it."""
            try:
                self.wfile.write(f"{len(event):x}\r\n{event}\r\n".encode())
            except OSError:
                return False
            return True

        def _has_hung_up(self, wait_s: float) -> bool:
            """Return whether the client closes the connection within a time."""
            if not select.select([self.connection], [], [], wait_s)[0]:
                return False
            try:
                return not self.connection.recv(1, socket.MSG_PEEK)
            except OSError:
                return True

        def _say(
            self, status: int, body: str, kind: str = "application/json", job: str = ""
        ) -> None:
            self.send_response(status)
            if job:
                self.send_header("X-Job", job)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print("open", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
