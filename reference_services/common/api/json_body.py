"""Routes whose JSON bodies are parsed strictly; a refused body gets 422 with the field."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from reference_services.common.api.json_values import JsonRefused, parse_json


class JsonRequest(Request):
    """Request whose body is parsed by `parse_json`."""

    async def json(self) -> Any:
        """Parse the body. Raises HTTPException 422."""
        try:
            return parse_json(await self.body())
        except JsonRefused as error:
            raise HTTPException(422, str(error)) from None


class JsonRoute(APIRoute):
    """Route that hands a `JsonRequest` to FastAPI."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap FastAPI's handler."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(JsonRequest(request.scope, request.receive))

        return handle_strictly
