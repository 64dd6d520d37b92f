"""Five ASGI middlewares that wrap every request; the order matters.

Outermost first:

    Trace            sets the trace id, so that all inner layers can log it
    SecurityHeaders  covers error responses too
    RequestLog       one line per API request, whatever its outcome
    RequestMetrics   one count per API request, whatever its outcome
    ErrorBoundary    body limit, token check, unhandled exceptions
    the routes
"""

import asyncio
import logging
from time import perf_counter
from typing import Protocol

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_services.common.api.errors import error_response
from reference_services.common.api.tokens import require_token_before_body
from reference_services.common.api.trace import TRACE_HEADER, begin_trace
from reference_services.common.json_logs import logger

BODY_LIMIT_BYTES = 1024 * 1024
BODY_S = 10.0

# The API is not for browsers: responses must not be rendered, framed, sniffed or cached.
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
UNMATCHED = "unmatched"


class RequestCounter(Protocol):
    """Metrics of a service that count its API requests."""

    def count_request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one request, when its response starts."""


def is_api_request(scope: Scope) -> bool:
    """Return whether this is an API request: not a probe, a scrape or the lifespan."""
    return scope["type"] == "http" and str(scope["path"]).startswith("/api/")


def route_template(scope: Scope) -> str:
    """Return the template of the matched route, never the path: it is a metric label."""
    return getattr(scope.get("route"), "path", UNMATCHED)


class Trace:
    """Sets the trace id of every request and returns it in a response header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request under its trace id."""
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


class SecurityHeaders:
    """Adds `SECURITY_HEADERS` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        await self._app(scope, receive, send_protected)


class RequestLog:
    """Logs one line per API request, after its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request and log its line."""
        if not (is_api_request(scope) and logger.isEnabledFor(logging.INFO)):
            await self._app(scope, receive, send)
            return
        began_at = perf_counter()
        status = 0

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            fields = {
                "method": scope["method"],
                "route": route_template(scope),
                "status": status,
                "duration_ms": round((perf_counter() - began_at) * 1000, 3),
                "tenant": scope.get("state", {}).get("tenant_id"),
            }
            logger.info("request", extra={"fields": fields})


class RequestMetrics:
    """Counts every API request before the first byte of its response is sent.

    A scrape that starts after the client has its response must see the request:

        client   request ───────────── response ── scrape
        service       └ handle ─ count ┘ send        └ includes the count
    """

    def __init__(self, app: ASGIApp, metrics: RequestCounter) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request and count it."""
        if not is_api_request(scope):
            await self._app(scope, receive, send)
            return
        began_at = perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                duration_s = perf_counter() - began_at
                self._metrics.count_request(
                    scope["method"], route_template(scope), message["status"], duration_s
                )
            await send(message)

        await self._app(scope, receive, send_counted)


class ErrorBoundary:
    """Enforces the body limit and renders unhandled exceptions in the error form.

    FastAPI's own `max_body_size` responds in plain text and without the trace id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response_started = False

        async def send_and_note_start(message: Message) -> None:
            nonlocal response_started
            response_started = True
            await send(message)

        try:
            await self._app(scope, limit_body(scope, receive), send_and_note_start)
        except Exception:
            # The outermost edge of our code: the client gets the error form, the log the traceback.
            logger.exception("unhandled exception")
            if response_started:
                raise
            await error_response(500, "Internal error.")(scope, receive, send)


def limit_body(scope: Scope, receive: Receive) -> Receive:
    """Wrap `receive`: it raises 413 or 408 over the limits of a body, and 401 without a token.

    All are raised inside the route, so that the exception handlers render them.
    """
    declared_bytes = int(Headers(scope=scope).get("content-length") or 0)
    received_bytes = 0
    ends_at: float | None = None
    is_complete = False

    async def receive_limited() -> Message:
        nonlocal received_bytes, ends_at, is_complete
        if not received_bytes and is_api_request(scope):
            await require_token_before_body(scope)
        _check_size(declared_bytes)
        if is_complete:
            return await receive()  # waits for the client to hang up
        ends_at = ends_at or asyncio.get_running_loop().time() + BODY_S
        message = await _received_by(ends_at, receive)
        received_bytes += len(message.get("body", b""))
        is_complete = not message.get("more_body", False)
        _check_size(received_bytes)
        return message

    return receive_limited


async def _received_by(ends_at: float, receive: Receive) -> Message:
    try:
        async with asyncio.timeout_at(ends_at):
            return await receive()
    except TimeoutError:
        # What else the client sends would be read as its next request.
        raise HTTPException(
            408, f"The body did not arrive within {BODY_S:g} s.", {"Connection": "close"}
        ) from None


def _check_size(size_bytes: int) -> None:
    if size_bytes > BODY_LIMIT_BYTES:
        raise HTTPException(
            413, f"The body exceeds {BODY_LIMIT_BYTES} bytes.", {"Connection": "close"}
        )
