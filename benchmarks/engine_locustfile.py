"""How would one write the flow of three steps for plain Locust? Two users, two clients.

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


class Journey:
    """The flow, whatever client it is given."""

    client: Any

    def on_start(self) -> None:
        """Give this user a number, and its requests numbers of their own."""
        self._user = next(_users)
        self._requests: Iterator[int] = count(1)
        self._iterations: Iterator[int] = count(1)

    def pass_through(self) -> None:
        """Make a session, answer its questions, use the cards; stop at the first wrong answer."""
        unique = f"{RUN}-{self._user}-{next(self._iterations)}"
        session_id = self.create_session(unique)
        card_ids = self.submit_answers(unique, session_id) if session_id else None
        if card_ids:
            self.execute_workflow(card_ids)

    def create_session(self, unique: str) -> str | None:
        """Return the session's id."""
        body = {"company_domain": f"{unique}.example", "user_email": f"ada@{unique}.example"}
        with self._post("/api/v1/onboarding/sessions", body, "create session") as answer:
            if answer.status_code != 201:  # noqa: PLR2004 - as an ordinary locustfile has it
                answer.failure(f"status {answer.status_code}")
                return None
            session_id: str = answer.json()["session_id"]
            answer.success()
            return session_id

    def submit_answers(self, unique: str, session_id: str) -> list[str] | None:
        """Return the ids of the cards that were made."""
        body = {"answers": [{"question_id": "q1", "answer": f"We automate {unique}"}]}
        path = f"/api/v1/onboarding/sessions/{session_id}/answers"
        with self._post(path, body, "submit answers") as answer:
            told = answer.json()
            card_ids: list[str] = told["card_ids"]
            if answer.status_code != 200:  # noqa: PLR2004
                answer.failure(f"status {answer.status_code}")
            elif told["status"] != "completed" or len(card_ids) != CARDS:
                answer.failure("not completed")
            else:
                answer.success()
                return card_ids
        return None

    def execute_workflow(self, card_ids: list[str]) -> None:
        """Use the cards."""
        body = {"workflow_type": "linkedin_post", "card_ids": card_ids}
        with self._post("/api/v1/workflows/execute", body, "execute workflow") as answer:
            told = answer.json()
            if answer.status_code != 200:  # noqa: PLR2004
                answer.failure(f"status {answer.status_code}")
            elif told["status"] != "completed" or told["partial_result"] is not False:
                answer.failure("not completed")
            else:
                answer.success()

    def _post(self, path: str, body: dict[str, Any], name: str) -> Any:
        trace = f"{RUN}-{self._user}-{next(self._requests)}"
        headers = {"X-Tenant-ID": _TENANT, "X-Trace-ID": trace}
        return self.client.post(path, json=body, headers=headers, name=name, catch_response=True)


class PlainUser(Journey, HttpUser):
    """Locust's first client: requests."""

    tasks = [Journey.pass_through]


class FastUser(Journey, FastHttpUser):
    """Locust's fast client: geventhttpclient."""

    tasks = [Journey.pass_through]
