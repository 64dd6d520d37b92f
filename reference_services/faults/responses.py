"""How can an answer be wrong, or late?"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_services.common.api.errors import error_answer
from reference_services.common.api.middleware import is_api_request
from reference_services.common.calls.errors import CallFailed
from reference_services.faults.seams import NOBODY, Seams, between, every


def partial_said_whole(seams: Seams) -> None:
    """Ask Cards for all but the last card at every twentieth execution, and call it whole."""
    post, create, is_turn, short = seams.cards.post, seams.store.create, every(20), set()

    def ask_for_less(path: str, body: Any, headers: Any, *rest: Any) -> Any:
        card_ids = body["card_ids"]
        fewer = [card_id for card_id in card_ids if card_id != card_ids[-1]]
        if fewer and is_turn():
            short.add(headers["X-Workflow-ID"])
            body = {**body, "card_ids": fewer}
        return post(path, body, headers, *rest)

    def call_whole(tenant_id: str, execution: Any, owed: Any = None) -> None:
        if execution.workflow_id in short:
            short.discard(execution.workflow_id)
            execution.partial_result = False
        create(tenant_id, execution, owed)

    # The executions' way to Cards alone: what the delivery makes up for stays whole.
    seams.app.state.parts = replace(seams.app.state.parts, cards=SimpleNamespace(post=ask_for_less))
    seams.store.create = call_whole


def foreign_traffic(seams: Seams) -> None:
    """Have Cards make one card for another tenant at every tenth session."""
    create, is_turn = seams.store.create, every(10)

    def make_foreign_card(key: str) -> None:
        body = {"cards": [{"card_type": "company", "content": {}}]}
        with suppress(CallFailed):
            seams.cards.post("/api/v1/cards/batch", body, {"Idempotency-Key": key}, NOBODY)

    def make_some(tenant_id: str, body: Any) -> Any:
        session = create(tenant_id, body)
        if is_turn():
            make_foreign_card(f"foreign-{session.session_id}")
        return session

    seams.store.create = make_some


def slow_tail(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Hold every tenth API request back for 3 seconds."""
    is_turn = every(10)

    async def hold_some_back(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if is_turn():
            await pause(3.0)
        await app(scope, receive, send)

    seams.serve_api(hold_some_back)


def stall(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Stand still once, for 1 second at the fiftieth API request; all others wait with it."""
    is_turn, moving = between(50, 50), asyncio.Event()
    moving.set()

    async def stand_still() -> None:
        moving.clear()
        try:
            await pause(1.0)
        finally:
            moving.set()

    async def stand_still_once(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_when_moving(message: Message) -> None:
            await moving.wait()
            await send(message)

        if is_turn():
            await stand_still()
        await moving.wait()
        await app(scope, receive, send_when_moving)

    seams.serve_api(stand_still_once)


def constant_delay(
    seams: Seams, pause: Any = asyncio.sleep, now: Callable[[], float] = time.monotonic
) -> None:
    """Hold every answer of the API back until 2.549 seconds after its request came."""

    async def hold_back(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        ends_at = now() + 2.549

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await pause(max(0.0, ends_at - now()))
            await send(message)

        await app(scope, receive, send_late)

    seams.serve_api(hold_back)


def burst_of_errors(seams: Seams) -> None:
    """Answer the API requests 50 to 59 with 500, and do nothing of what they ask."""
    is_turn = between(50, 59)

    def refuse_some(scope: Scope) -> Response | None:
        if is_api_request(scope) and is_turn():
            return error_answer(500, "Seeded fault: one of a burst of errors.")
        return None

    seams.answer_instead(refuse_some)


def errors_with_status_200(seams: Seams) -> None:
    """Answer every twentieth execute with an error under status 200, and do nothing of it."""
    is_turn = every(20)

    def refuse_some(scope: Scope) -> Response | None:
        is_execute = is_api_request(scope) and scope["path"].endswith("/execute")
        if not (is_execute and is_turn()):
            return None
        answer = error_answer(500, "Seeded fault: an error that its status denies.")
        answer.status_code = 200
        return answer

    seams.answer_instead(refuse_some)
