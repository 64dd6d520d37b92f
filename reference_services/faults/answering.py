"""How can an answer be wrong, or late?"""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from reference_services.faults.seams import Seams, every


def slow_tail(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Hold every tenth API request back for 3 seconds."""
    is_turn = every(10)

    def hold_some_back(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
            if is_api and is_turn():
                await pause(3.0)
            await app(scope, receive, send)

        return serve

    seams.app.add_middleware(hold_some_back)
