"""Where can a fault take hold? The parts of one service that it may wrap, and when it is its turn.

Faults import none of the three services: through them, one service would know the others.
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

# A tenant that no run is given: a run draws its own at random.
NOBODY = "00000000-0000-4000-8000-000000000000"

Serve = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Seams:
    """The parts of one service that a fault may wrap.

    All but the app are `Any`: a fault replaces a method of theirs, which their types forbid.
    `cards` is what calls Cards, where the service does.
    """

    app: FastAPI
    store: Any
    metrics: Any
    cards: Any = None

    def serve_api(self, serve: Serve) -> None:
        """Serve API requests so, outside of all that the service measures and logs."""

        def around(app: ASGIApp) -> ASGIApp:
            async def layer(scope: Scope, receive: Receive, send: Send) -> None:
                if is_api_request(scope):
                    await serve(app, scope, receive, send)
                else:
                    await app(scope, receive, send)

            return layer

        self.app.add_middleware(around)

    def answer_instead(self, answer: Callable[[Scope], Response | None]) -> None:
        """Answer so instead of the routes, unless it is None; traced and logged as they are."""

        def around(app: ASGIApp) -> ASGIApp:
            async def layer(scope: Scope, receive: Receive, send: Send) -> None:
                instead = answer(scope) if scope["type"] == "http" else None
                await (app if instead is None else instead)(scope, receive, send)

            return layer

        # The last is the innermost.
        self.app.user_middleware.append(Middleware(around))


def every(turns: int) -> Callable[[], bool]:
    """Return what tells, call by call, whether it is the last of so many turns.

    >>> is_turn = every(3)
    >>> [is_turn() for _ in range(6)]
    [False, False, True, False, False, True]
    """
    turn = count(1)
    return lambda: next(turn) % turns == 0


def between(first: int, last: int) -> Callable[[], bool]:
    """Return what tells, call by call, whether it is one of these turns, counted from 1.

    >>> is_turn = between(2, 3)
    >>> [is_turn() for _ in range(5)]
    [False, True, True, False, False]
    """
    turn = count(1)
    return lambda: first <= next(turn) <= last
