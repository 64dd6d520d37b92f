"""Seams of a service at which a fault wraps it, and predicates that select calls.

Faults import none of the three services: otherwise a service would import the others through them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_services.common.api.middleware import is_api_request

# A tenant that no run uses: runs draw theirs at random.
FOREIGN_TENANT = "00000000-0000-4000-8000-000000000000"

ApiHandler = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Seams:
    """The parts of one service that a fault may wrap.

    All but the app are `Any`, because a fault replaces their methods, which types forbid. `cards`
    is the client for Cards, if the service has one.
    """

    app: FastAPI
    store: Any
    metrics: Any
    cards: Any = None

    def wrap_api(self, handle: ApiHandler) -> None:
        """Wrap API requests outside of everything that the service measures and logs."""

        def around(app: ASGIApp) -> ASGIApp:
            async def layer(scope: Scope, receive: Receive, send: Send) -> None:
                if is_api_request(scope):
                    await handle(app, scope, receive, send)
                else:
                    await app(scope, receive, send)

            return layer

        self.app.add_middleware(around)

    def override_response(self, override: Callable[[Scope], Response | None]) -> None:
        """Respond with what `override` returns, or as usual if it is None; traced and logged."""

        def around(app: ASGIApp) -> ASGIApp:
            async def layer(scope: Scope, receive: Receive, send: Send) -> None:
                instead = override(scope) if scope["type"] == "http" else None
                await (app if instead is None else instead)(scope, receive, send)

            return layer

        # The last middleware is the innermost.
        self.app.user_middleware.append(Middleware(around))


def every(calls: int) -> Callable[[], bool]:
    """Return a predicate that is true at every n-th call.

    >>> is_selected = every(3)
    >>> [is_selected() for _ in range(6)]
    [False, False, True, False, False, True]
    """
    call = count(1)
    return lambda: next(call) % calls == 0


def between(first: int, last: int) -> Callable[[], bool]:
    """Return a predicate that is true from the first to the last of these calls, from 1.

    >>> is_selected = between(2, 3)
    >>> [is_selected() for _ in range(5)]
    [False, True, True, False, False]
    """
    call = count(1)
    return lambda: first <= next(call) <= last
