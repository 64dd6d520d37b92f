"""What does a refused request get? One JSON form for every status from 400 up."""

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
from reference_services.common.api.trace import current_trace_id
from reference_services.common.calls.errors import CallFailed, CircuitOpen

KINDS = {
    400: "BadRequest",
    401: "Unauthorized",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "BodyTooLarge",
    422: "ValidationError",
    429: "TooManyRequests",
    500: "InternalError",
    502: "BadGateway",
    503: "Unavailable",
}

_PAUSE = "After how many seconds to try again."
HEADERS = {
    401: {"WWW-Authenticate": header("What is asked for, when it was the token.")},
    429: {"Retry-After": header(_PAUSE, "integer", always=True, minimum=1)},
    503: {"Retry-After": header(_PAUSE, "integer", minimum=1)},
}

METHOD_NOT_ALLOWED = 405

# How much of a malformed body is told: enough to mend it, and bounded.
NAMED_PROBLEMS = 5
NAMED_DEPTH = 6


class ErrorAnswer(BaseModel):
    """The body of every refused request."""

    error: str
    detail: str
    request_id: str


def declared(*statuses: int) -> Declaration:
    """Declare the statuses, for OpenAPI, as answered in the error form."""
    return {
        status: {
            "model": ErrorAnswer,
            "description": HTTPStatus(status).phrase,
            "headers": HEADERS.get(status, {}),
        }
        for status in statuses
    }


def error_answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build the answer to a refused request."""
    kind = KINDS.get(status) or HTTPStatus(status).phrase.title().replace(" ", "")
    body = ErrorAnswer(error=kind, detail=detail, request_id=current_trace_id())
    return Response(body.model_dump_json(), status, headers, media_type="application/json")


def unanswered(name: str, failure: CallFailed) -> HTTPException:
    """Build the refusal for a service that could not be reached: 503 if it was not even tried."""
    if isinstance(failure, CircuitOpen):
        pause_s = max(1, math.ceil(failure.retry_after_s or 0))
        headers = {"Retry-After": str(pause_s)}
        return HTTPException(503, f"{name} is failing; try again in {pause_s} s.", headers)
    return HTTPException(502, f"{name} gave no answer: {failure.reason}.")


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what a route or the router refused."""
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == METHOD_NOT_ALLOWED:
        headers["Allow"] = _methods_at(request) or headers.get("Allow", "")
    return error_answer(error.status_code, error.detail, headers)


async def answer_invalid_request(_request: Request, error: Exception) -> Response:
    """Answer a request that is not of the declared form: 422, or 400 for a list over its limit."""
    if not isinstance(error, RequestValidationError):
        raise error
    problems = error.errors()
    status = 400 if any(problem["type"] == "too_long" for problem in problems) else 422
    detail = "; ".join(_sentence(problem) for problem in problems[:NAMED_PROBLEMS])
    return error_answer(status, detail)


def _methods_at(request: Request) -> str:
    # The router names the methods of one route only, and a path may have several.
    path = getattr(request.scope.get("route"), "path", "")
    return ", ".join(method.upper() for method in request.app.openapi()["paths"].get(path, {}))


def _sentence(problem: Mapping[str, Any]) -> str:
    # Where and what, never the input itself: it may be a secret, and it is the caller's.
    where = ".".join(str(part) for part in problem["loc"][:NAMED_DEPTH])
    return f"{where}: {problem['msg']}"
