"""What happens around every request? Five layers of plain ASGI, outermost first.

`Trace`, `Protection`, `RequestLog`, `RequestCount` and `Refusals` wrap the routes in this order:
a request refused by any of them is traced, and one that fails in any way is logged and counted.
"""

import logging
from time import perf_counter
from typing import Protocol

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_services.common.api.errors import error_answer
from reference_services.common.api.tokens import require_token_first
from reference_services.common.api.trace import TRACE_HEADER, begin_trace
from reference_services.common.json_logs import logger

BODY_LIMIT_BYTES = 1024 * 1024

# For answers that no browser should ever show, frame, sniff or keep.
PROTECTION = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
UNMATCHED = "unmatched"


class CountsRequests(Protocol):
    """Metrics that count the requests of a service's API."""

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request."""


def is_api_request(scope: Scope) -> bool:
    """Tell an API request from a probe, a scrape and the lifespan."""
    return scope["type"] == "http" and str(scope["path"]).startswith("/api/")


def route_of(scope: Scope) -> str:
    """Return the template of the route that was chosen, never the path itself."""
    return getattr(scope.get("route"), "path", UNMATCHED)


class Trace:
    """Give every request its trace id, and every answer the header that names it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request under its trace id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = begin_trace(Headers(scope=scope).get(TRACE_HEADER))
        name = TRACE_HEADER.lower().encode()

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (name, trace_id.encode())]
            await send(message)

        await self._app(scope, receive, send_traced)


class Protection:
    """Give every answer the headers that keep browsers from doing anything with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *PROTECTION]
            await send(message)

        await self._app(scope, receive, send_protected)


class RequestLog:
    """Write one line about every API request, after its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and write its line."""
        if not (is_api_request(scope) and logger.isEnabledFor(logging.INFO)):
            await self._app(scope, receive, send)
            return
        began_at = perf_counter()
        status = 0

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            fields = {
                "method": scope["method"],
                "route": route_of(scope),
                "status": status,
                "duration_ms": round((perf_counter() - began_at) * 1000, 3),
                "tenant": scope.get("state", {}).get("tenant_id"),
            }
            logger.info("request", extra={"fields": fields})


class RequestCount:
    """Count every API request before the first byte of its answer leaves.

    Before, not after: a scrape that begins once the client has its answer must see the request.
    """

    def __init__(self, app: ASGIApp, metrics: CountsRequests) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it."""
        if not is_api_request(scope):
            await self._app(scope, receive, send)
            return
        began_at = perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                duration_s = perf_counter() - began_at
                self._metrics.count_request(
                    scope["method"], route_of(scope), message["status"], duration_s
                )
            await send(message)

        await self._app(scope, receive, send_counted)


class Refusals:
    """Stop reading a body over the limit, and answer an unforeseen failure in the error form.

    FastAPI's own `max_body_size` answers in plain text and without the trace id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = False

        async def send_noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, limited(scope, receive), send_noted)
        except Exception:
            # The outermost edge of our code: whatever it is, the client gets the error form.
            logger.exception("unforeseen failure")
            if answered:
                raise
            await error_answer(500, "The service failed.")(scope, receive, send)


def limited(scope: Scope, receive: Receive) -> Receive:
    """Wrap `receive` so that reading more than the limit raises a 413 inside the route.

    And reading anything for the API without a token, where one is needed, a 401.
    """
    announced_bytes = int(Headers(scope=scope).get("content-length") or 0)
    received_bytes = 0

    async def receive_limited() -> Message:
        nonlocal received_bytes
        if not received_bytes and is_api_request(scope):
            await require_token_first(scope)
        _refuse_over_limit(announced_bytes)
        message = await receive()
        received_bytes += len(message.get("body", b""))
        _refuse_over_limit(received_bytes)
        return message

    return receive_limited


def _refuse_over_limit(size_bytes: int) -> None:
    if size_bytes > BODY_LIMIT_BYTES:
        raise HTTPException(413, f"The body is larger than {BODY_LIMIT_BYTES} bytes.")
