"""Measure the throughput and response times of the reference services.

    .venv/bin/python -m benchmarks.services [--rounds 5] [--seconds 4] [--users 10]

Starts the local stack (SQLite, one worker per service) and drives it as a closed model; each user
keeps one connection per service. Batches, retrievals and whole flows take turns. Prints the medians
of the rounds, and the targets; the exit code is 0 either way.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

from reference_services.stack.local import local_stack

TARGET_RATE_PER_S = 600.0
TARGET_FLOW_P95_S = 0.100
SNAPSHOT = {
    "company": {"name": "Acme", "about": "Rockets since 1949"},
    "audience": {"who": "Coyotes in a hurry"},
    "voice": {"tone": "Dry and precise"},
    "insights": {"lesson": "Gravity waits for nobody"},
}

Action = Callable[[], None]


@dataclass(frozen=True)
class ServiceMeasurement:
    """One round: actions per second, and the duration of each action in seconds."""

    rate_per_s: float
    durations_s: list[float]

    @property
    def p95_s(self) -> float:
        """The 95th percentile of the durations, by nearest rank."""
        return sorted(self.durations_s)[-(-95 * len(self.durations_s) // 100) - 1]


class BenchmarkUser:
    """One user, with a tenant of its own and a connection to each service."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._connections = {
            name: HTTPConnection(addresses[f"{name.upper()}_URL"].removeprefix("http://"))
            for name in ("onboarding", "cards", "workflow")
        }
        self._tenant = str(uuid4())
        self._card_ids: list[str] = []

    def post(self, service: str, path: str, body: Any, **headers: str) -> Any:
        """Send one request, and return the JSON body. Exits on a status other than 200 or 201."""
        connection = self._connections[service]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "POST",
            f"/api/v1/{path}",
            json.dumps(body),
            {"X-Tenant-ID": self._tenant, "Content-Type": "application/json", **named},
        )
        response = connection.getresponse()
        text = response.read()
        if response.status not in {200, 201}:
            raise SystemExit(f"{service} {path}: status {response.status}: {text[:200]!r}")
        return json.loads(text)

    def batch(self) -> None:
        """Create four cards, and keep their ids."""
        body = {"company_snapshot": SNAPSHOT, "source_session_id": "benchmark"}
        created = self.post("cards", "cards/batch", body, Idempotency_Key=str(uuid4()))
        self._card_ids = [card["card_id"] for card in created["cards"]]

    def retrieve(self) -> None:
        """Retrieve the four cards as a workflow does, so that each use is counted."""
        use = {"X_Usage_Source": "workflow", "X_Workflow_ID": str(uuid4())}
        self.post("cards", "cards/retrieve", {"card_ids": self._card_ids}, **use)

    def flow(self) -> None:
        """Onboard a company, which creates four cards, and execute a workflow with them."""
        who = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
        session = self.post("onboarding", "onboarding/sessions", who)["session_id"]
        answers = {"answers": [{"question_id": "q1", "answer": "We automate"}]}
        path = f"onboarding/sessions/{session}/answers"
        card_ids = self.post("onboarding", path, answers)["card_ids"]
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        self.post("workflow", "workflows/execute", body)


def measure(actions: list[Action], seconds: float) -> ServiceMeasurement:
    """Repeat the actions for some seconds, each in a thread of its own."""
    ends_at = time.perf_counter() + seconds

    def repeat(action: Action) -> Iterator[float]:
        while (began_at := time.perf_counter()) < ends_at:
            action()
            yield time.perf_counter() - began_at

    with ThreadPoolExecutor(len(actions)) as threads:
        by_thread = list(threads.map(lambda action: list(repeat(action)), actions))
    durations_s = [duration_s for thread_s in by_thread for duration_s in thread_s]
    return ServiceMeasurement(len(durations_s) / seconds, durations_s)


def main() -> None:
    """Run the benchmark, and print one line per kind of action."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds per tool or action (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="time per round and action (4)")
    parser.add_argument("--users", type=int, default=10, help="concurrent users (10)")
    options = parser.parse_args()
    rounds: dict[str, list[ServiceMeasurement]] = {"batch": [], "retrieve": [], "flow": []}
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as addresses:
        users = [BenchmarkUser(addresses) for _ in range(options.users)]
        for user in users:  # warm up: connections, caches, and the cards to retrieve
            user.batch()
            user.flow()
        # Interleaved rounds: a slow phase of the machine affects all kinds of action alike.
        for _ in range(options.rounds):
            for name, measured in rounds.items():
                actions = [getattr(user, name) for user in users]
                measured.append(measure(actions, options.seconds))
    print(f"{options.users} users, {options.rounds} rounds of {options.seconds:g} s, medians:")
    for name, measured in rounds.items():
        rate = statistics.median(each.rate_per_s for each in measured)
        p50_ms = 1000 * statistics.median(statistics.median(each.durations_s) for each in measured)
        p95_ms = 1000 * statistics.median(each.p95_s for each in measured)
        print(f"  {name:9} {rate:7.0f} per second   p50 {p50_ms:6.1f} ms   p95 {p95_ms:6.1f} ms")
    print(
        f"targets: batch and retrieve at least {TARGET_RATE_PER_S:g} per second, "
        f"flow p95 under {1000 * TARGET_FLOW_P95_S:g} ms"
    )


if __name__ == "__main__":
    main()
