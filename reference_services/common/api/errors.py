"""Error responses: one JSON form for every status from 400 up, and the handlers that build it."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from reference_services.common.api.openapi import Declaration, header
from reference_services.common.api.schemas import CONTENT_TOO_LARGE
from reference_services.common.api.trace import current_trace_id
from reference_services.common.calls.errors import CallFailed, CircuitOpen

ERROR_NAMES = {
    400: "BadRequest",
    401: "Unauthorized",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    413: "BodyTooLarge",
    422: "ValidationError",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "Unavailable",
}

_RETRY_AFTER = "Number of seconds to wait before the next attempt."
HEADERS = {
    401: {"WWW-Authenticate": header("The expected scheme, if the token was missing or wrong.")},
    429: {"Retry-After": header(_RETRY_AFTER, "integer", always=True, minimum=1)},
    503: {"Retry-After": header(_RETRY_AFTER, "integer", minimum=1)},
}

METHOD_NOT_ALLOWED = 405
_STATUSES = {"too_long": 400, CONTENT_TOO_LARGE: 413}

# Bounds the detail of a validation error: enough to fix the request, whatever its size.
MAX_PROBLEMS = 5
MAX_LOCATION_DEPTH = 6


class ErrorResponse(BaseModel):
    """Body of every error response."""

    error: str
    detail: str
    request_id: str


def error_responses(*statuses: int) -> Declaration:
    """Declare, for OpenAPI, that these statuses have the error form."""
    return {
        status: {
            "model": ErrorResponse,
            "description": HTTPStatus(status).phrase,
            "headers": HEADERS.get(status, {}),
        }
        for status in statuses
    }


def error_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build a response in the error form; it carries the current trace id as `request_id`."""
    name = ERROR_NAMES.get(status) or HTTPStatus(status).phrase.title().replace(" ", "")
    body = ErrorResponse(error=name, detail=detail, request_id=current_trace_id())
    return Response(body.model_dump_json(), status, headers, media_type="application/json")


def upstream_error(name: str, failure: CallFailed) -> HTTPException:
    """Build the error for a failed upstream call: 503 while the circuit is open, otherwise 502."""
    if isinstance(failure, CircuitOpen):
        pause_s = max(1, math.ceil(failure.retry_after_s or 0))
        headers = {"Retry-After": str(pause_s)}
        return HTTPException(
            503, f"{name} is unavailable (circuit open); retry in {pause_s} s.", headers
        )
    return HTTPException(502, f"The call to {name} failed: {failure.reason}.")


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """Render an HTTPException of a route or of the router in the error form."""
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed_methods(request) or headers.get("Allow", "")
    return error_response(error.status_code, error.detail, headers)


async def handle_validation_error(_request: Request, error: Exception) -> Response:
    """Render a validation error: 422, or 400 for a list and 413 for a content over its limit."""
    if not isinstance(error, RequestValidationError):
        raise error
    problems = error.errors()
    types = {problem["type"] for problem in problems}
    status = next((status for type_, status in _STATUSES.items() if type_ in types), 422)
    detail = "; ".join(_describe(problem) for problem in problems[:MAX_PROBLEMS])
    return error_response(status, detail)


def _allowed_methods(request: Request) -> str:
    # Starlette names the methods of one route only; a path may have several routes.
    path = getattr(request.scope.get("route"), "path", "")
    return ", ".join(method.upper() for method in request.app.openapi()["paths"].get(path, {}))


def _describe(problem: Mapping[str, Any]) -> str:
    # Location and message, never the input itself: it may hold a secret.
    location = ".".join(str(part) for part in problem["loc"][:MAX_LOCATION_DEPTH])
    return f"{location}: {problem['msg']}"
