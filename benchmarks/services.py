"""How fast are the reference services by themselves?

    .venv/bin/python -m benchmarks.services [--rounds 5] [--seconds 4] [--users 10]

It starts the local stack (SQLite, one worker a service) and drives it from this machine, closed
loop, each user over one connection of its own. Batches, retrieves and whole flows take turns, and
the medians of the rounds are printed beside what is wanted.
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

RATE_WANTED = 600.0
FLOW_P95_WANTED_S = 0.100
SNAPSHOT = {
    "company": {"name": "Acme", "about": "Rockets since 1949"},
    "audience": {"who": "Coyotes in a hurry"},
    "voice": {"tone": "Dry and precise"},
    "insights": {"lesson": "Gravity waits for nobody"},
}

Act = Callable[[], None]


@dataclass(frozen=True)
class Measured:
    """What one round said: actions a second, and how long they took, in seconds."""

    rate_per_s: float
    durations_s: list[float]

    @property
    def p95_s(self) -> float:
        """Return the smallest duration that 95 % of the actions did not exceed."""
        return sorted(self.durations_s)[-(-95 * len(self.durations_s) // 100) - 1]


class User:
    """One user: a tenant of its own, and a connection to each service."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._connections = {
            name: HTTPConnection(addresses[f"{name.upper()}_URL"].removeprefix("http://"))
            for name in ("onboarding", "cards", "workflow")
        }
        self._tenant = str(uuid4())
        self._card_ids: list[str] = []

    def post(self, service: str, path: str, body: Any, **headers: str) -> Any:
        """Send one request; anything but a 2xx ends the benchmark."""
        connection = self._connections[service]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "POST",
            f"/api/v1/{path}",
            json.dumps(body),
            {"X-Tenant-ID": self._tenant, "Content-Type": "application/json", **named},
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status not in {200, 201}:
            raise SystemExit(f"{service} {path} answered {answer.status}: {text[:200]!r}")
        return json.loads(text)

    def batch(self) -> None:
        """Have four cards made."""
        body = {"company_snapshot": SNAPSHOT, "source_session_id": "benchmark"}
        made = self.post("cards", "cards/batch", body, Idempotency_Key=str(uuid4()))
        self._card_ids = [card["card_id"] for card in made["cards"]]

    def retrieve(self) -> None:
        """Use four cards."""
        use = {"X_Usage_Source": "workflow", "X_Workflow_ID": str(uuid4())}
        self.post("cards", "cards/retrieve", {"card_ids": self._card_ids}, **use)

    def flow(self) -> None:
        """Make four cards by an onboarding, and content of them."""
        who = {"company_domain": "acme.example", "user_email": "ada@acme.example"}
        session = self.post("onboarding", "onboarding/sessions", who)["session_id"]
        answers = {"answers": [{"question_id": "q1", "answer": "We automate"}]}
        path = f"onboarding/sessions/{session}/answers"
        card_ids = self.post("onboarding", path, answers)["card_ids"]
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        self.post("workflow", "workflows/execute", body)


def measure(acts: list[Act], seconds: float) -> Measured:
    """Let every user act again and again, all at once, for so long."""
    ends_at = time.perf_counter() + seconds

    def drive(act: Act) -> Iterator[float]:
        while (began_at := time.perf_counter()) < ends_at:
            act()
            yield time.perf_counter() - began_at

    with ThreadPoolExecutor(len(acts)) as threads:
        drives = list(threads.map(lambda act: list(drive(act)), acts))
    durations_s = [duration_s for drive_s in drives for duration_s in drive_s]
    return Measured(len(durations_s) / seconds, durations_s)


def main() -> None:
    """Measure, and print one line a thing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--users", type=int, default=10)
    asked = parser.parse_args()
    rounds: dict[str, list[Measured]] = {"batch": [], "retrieve": [], "flow": []}
    with tempfile.TemporaryDirectory() as folder, local_stack(Path(folder)) as addresses:
        users = [User(addresses) for _ in range(asked.users)]
        for user in users:
            user.batch()
            user.flow()
        for _ in range(asked.rounds):
            for name, measured in rounds.items():
                acts = [getattr(user, name) for user in users]
                measured.append(measure(acts, asked.seconds))
    print(f"{asked.users} users, {asked.rounds} rounds of {asked.seconds:g} s, their medians")
    for name, measured in rounds.items():
        rate = statistics.median(each.rate_per_s for each in measured)
        p50_ms = 1000 * statistics.median(statistics.median(each.durations_s) for each in measured)
        p95_ms = 1000 * statistics.median(each.p95_s for each in measured)
        print(f"  {name:9} {rate:7.0f} a second   p50 {p50_ms:6.1f} ms   p95 {p95_ms:6.1f} ms")
    print(
        f"wanted: batch and retrieve at least {RATE_WANTED:g} a second, "
        f"flow p95 under {1000 * FLOW_P95_WANTED_S:g} ms"
    )


if __name__ == "__main__":
    main()
