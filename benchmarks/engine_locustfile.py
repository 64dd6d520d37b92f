"""Drive the flow of three steps with plain Locust: one user class per HTTP client.

locust -f benchmarks/engine_locustfile.py --headless --host URL PlainUser|FastUser
"""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

from locust import FastHttpUser, HttpUser

RUN = "20250101T000000-0000aaaa"
CARDS = 4

_TENANT = str(uuid4())
_users = count(1)


class ThreeStepFlow:
    """The flow of `engine_tools.FLOW`, independent of the HTTP client."""

    client: Any

    def on_start(self) -> None:
        """Assign this user its number, and start counting its requests and iterations."""
        self._user = next(_users)
        self._requests: Iterator[int] = count(1)
        self._iterations: Iterator[int] = count(1)

    def run_flow(self) -> None:
        """Create a session, submit answers, execute a workflow; stop at the first failed step."""
        unique = f"{RUN}-{self._user}-{next(self._iterations)}"
        session_id = self.create_session(unique)
        card_ids = self.submit_answers(unique, session_id) if session_id else None
        if card_ids:
            self.execute_workflow(card_ids)

    def create_session(self, unique: str) -> str | None:
        """Return the session's id, or None if the step failed."""
        body = {"company_domain": f"{unique}.example", "user_email": f"ada@{unique}.example"}
        with self._post("/api/v1/onboarding/sessions", body, "create session") as response:
            if response.status_code != 201:  # noqa: PLR2004 - as in an ordinary locustfile
                response.failure(f"status {response.status_code}")
                return None
            session_id: str = response.json()["session_id"]
            response.success()
            return session_id

    def submit_answers(self, unique: str, session_id: str) -> list[str] | None:
        """Return the ids of the created cards, or None if the step failed."""
        body = {"answers": [{"question_id": "q1", "answer": f"We automate {unique}"}]}
        path = f"/api/v1/onboarding/sessions/{session_id}/answers"
        with self._post(path, body, "submit answers") as response:
            result = response.json()
            card_ids: list[str] = result["card_ids"]
            if response.status_code != 200:  # noqa: PLR2004
                response.failure(f"status {response.status_code}")
            elif result["status"] != "completed" or len(card_ids) != CARDS:
                response.failure("not completed")
            else:
                response.success()
                return card_ids
        return None

    def execute_workflow(self, card_ids: list[str]) -> None:
        """Execute a workflow with the cards."""
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        with self._post("/api/v1/workflows/execute", body, "execute workflow") as response:
            result = response.json()
            if response.status_code != 200:  # noqa: PLR2004
                response.failure(f"status {response.status_code}")
            elif result["status"] != "completed" or result["partial_result"] is not False:
                response.failure("not completed")
            else:
                response.success()

    def _post(self, path: str, body: dict[str, Any], name: str) -> Any:
        trace = f"{RUN}-{self._user}-{next(self._requests)}"
        headers = {"X-Tenant-ID": _TENANT, "X-Trace-ID": trace}
        return self.client.post(path, json=body, headers=headers, name=name, catch_response=True)


class PlainUser(ThreeStepFlow, HttpUser):
    """The flow with Locust's default client, requests."""

    tasks = [ThreeStepFlow.run_flow]


class FastUser(ThreeStepFlow, FastHttpUser):
    """The flow with Locust's faster client, geventhttpclient."""

    tasks = [ThreeStepFlow.run_flow]
