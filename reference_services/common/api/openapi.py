"""What does an OpenAPI document have to say beyond what FastAPI reads from the routes?

That a trace id goes both ways, that every security scheme is needed and not one of them, which
headers an answer has, and which call follows from it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from reference_services.common.api.trace import TRACE_HEADER

Declaration = dict[int | str, dict[str, Any]]


def header(what: str, kind: str = "string", *, always: bool = False, **limits: Any) -> Any:
    """Declare one header of an answer; `always` when the answer never lacks it."""
    return {"description": what, "required": always, "schema": {"type": kind, **limits}}


def link(operation: str, body: Any = None, **parameters: str) -> dict[str, Any]:
    """Declare that an answer holds what another operation takes, by runtime expressions."""
    trace_id = {f"header.{TRACE_HEADER}": f"$response.header.{TRACE_HEADER}"}
    given = {"operationId": operation, "parameters": parameters | trace_id}
    return given if body is None else {**given, "requestBody": body}


def answered(
    status: int,
    headers: Mapping[str, Any] | None = None,
    links: Mapping[str, Any] | None = None,
) -> Declaration:
    """Declare what a successful answer has besides its body."""
    return {status: {"headers": dict(headers or {}), "links": dict(links or {})}}


TRACE_COMPONENTS = {
    "parameters": {
        "TraceId": {
            "name": TRACE_HEADER,
            "in": "header",
            "description": "Names the request in every log. A new name is made if it is absent, "
            "longer than 128 characters or not of printable ASCII.",
            "schema": {"type": "string"},
        }
    },
    "headers": {
        "TraceId": header("The name of the request.", always=True, pattern=r"^[\x21-\x7e]{1,128}$")
    },
}


class DescribedApp(FastAPI):
    """An app whose OpenAPI document says also what holds for every request."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, which FastAPI makes once."""
        document = super().openapi()
        components = document.setdefault("components", {})
        if not components.keys() & TRACE_COMPONENTS.keys():
            components.update(TRACE_COMPONENTS)
            for operation in _operations(document):
                _complete(operation)
        return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _complete(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/TraceId"})
    for response in operation["responses"].values():
        trace_id = {"$ref": "#/components/headers/TraceId"}
        response["headers"] = {**response.get("headers", {}), TRACE_HEADER: trace_id}
    if "security" in operation:
        # In a list, each scheme by itself would be enough.
        schemes = operation["security"]
        operation["security"] = [{name: each[name] for each in schemes for name in each}]
