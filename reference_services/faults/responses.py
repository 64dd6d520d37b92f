"""Faults of responses: wrong, late or failed."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_services.common.api.errors import error_response
from reference_services.common.api.middleware import is_api_request
from reference_services.common.calls.errors import CallFailed
from reference_services.faults.seams import FOREIGN_TENANT, Seams, between, every


def partial_said_whole(seams: Seams) -> None:
    """Omit the last card of every twentieth execution and report its result as complete."""
    post, create, is_selected, short = seams.cards.post, seams.store.create, every(20), set()

    def omit_last_card(path: str, body: Any, headers: Any, *rest: Any) -> Any:
        card_ids = body["card_ids"]
        fewer = [card_id for card_id in card_ids if card_id != card_ids[-1]]
        if fewer and is_selected():
            short.add(headers["X-Workflow-ID"])
            body = {**body, "card_ids": fewer}
        return post(path, body, headers, *rest)

    def report_complete(tenant_id: str, execution: Any, owed: Any = None) -> None:
        if execution.workflow_id in short:
            short.discard(execution.workflow_id)
            execution.partial_result = False
        create(tenant_id, execution, owed)

    # Only the executions use this client; the delivery of owed uses stays correct.
    seams.app.state.components = replace(
        seams.app.state.components, cards=SimpleNamespace(post=omit_last_card)
    )
    seams.store.create = report_complete


def lost_usage_event(seams: Seams) -> None:
    """List the newest used card with one use less than it had."""
    _list_with(seams, -1)


def doubled_usage_event(seams: Seams) -> None:
    """List the newest used card with one use more than it had."""
    _list_with(seams, 1)


def _list_with(seams: Seams, more: int) -> None:
    list_page = seams.store.list_page

    def misreport_one(tenant_id: str, query: Any) -> Any:
        found = list_page(tenant_id, query)
        used = next((each for each in found.cards if each.usage_count), None)
        if query.page > 1 or used is None:
            return found
        wrong = used.model_copy(update={"usage_count": used.usage_count + more})
        return replace(found, cards=[wrong if each is used else each for each in found.cards])

    seams.store.list_page = misreport_one


def foreign_traffic(seams: Seams) -> None:
    """Create one card for another tenant at every tenth session."""
    create, is_selected = seams.store.create, every(10)

    def create_foreign_card(key: str) -> None:
        body = {"cards": [{"card_type": "company", "content": {}}]}
        with suppress(CallFailed):
            seams.cards.post("/api/v1/cards/batch", body, {"Idempotency-Key": key}, FOREIGN_TENANT)

    def create_some(tenant_id: str, body: Any) -> Any:
        session = create(tenant_id, body)
        if is_selected():
            create_foreign_card(f"foreign-{session.session_id}")
        return session

    seams.store.create = create_some


def slow_tail(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Delay every tenth API request by 3 seconds."""
    is_selected = every(10)

    async def delay_some(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        if is_selected():
            await pause(3.0)
        await app(scope, receive, send)

    seams.wrap_api(delay_some)


def stall(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Stall the API once, for 1 second at the fiftieth request; all others wait with it."""
    is_selected, running = between(50, 50), asyncio.Event()
    running.set()

    async def stall_all() -> None:
        running.clear()
        try:
            await pause(1.0)
        finally:
            running.set()

    async def stall_once(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_when_running(message: Message) -> None:
            await running.wait()
            await send(message)

        if is_selected():
            await stall_all()
        await running.wait()
        await app(scope, receive, send_when_running)

    seams.wrap_api(stall_once)


def constant_delay(
    seams: Seams, pause: Any = asyncio.sleep, now: Callable[[], float] = time.monotonic
) -> None:
    """Delay every API response until 2.549 seconds after its request arrived."""

    async def delay_response(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        ends_at = now() + 2.549

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await pause(max(0.0, ends_at - now()))
            await send(message)

        await app(scope, receive, send_late)

    seams.wrap_api(delay_response)


def burst_of_errors(seams: Seams) -> None:
    """Answer the API requests 50 to 59 with 500 without handling them."""
    is_selected = between(50, 59)

    def refuse_some(scope: Scope) -> Response | None:
        if is_api_request(scope) and is_selected():
            return error_response(500, "Seeded fault: burst of errors.")
        return None

    seams.override_response(refuse_some)


def errors_with_status_200(seams: Seams) -> None:
    """Answer every twentieth execute with an error body and status 200, without executing."""
    is_selected = every(20)

    def refuse_some(scope: Scope) -> Response | None:
        is_execute = is_api_request(scope) and scope["path"].endswith("/execute")
        if not (is_execute and is_selected()):
            return None
        response = error_response(500, "Seeded fault: error body with status 200.")
        response.status_code = 200
        return response

    seams.override_response(refuse_some)
