"""Completes the OpenAPI document that FastAPI derives from the routes.

It adds the trace id of requests and responses, response headers and links, and states that an
operation needs all of its security schemes, not one of them.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from reference_services.common.api.trace import TRACE_HEADER

Declaration = dict[int | str, dict[str, Any]]


def header(description: str, kind: str = "string", *, always: bool = False, **limits: Any) -> Any:
    """Declare one response header; `always` means that it is never absent."""
    return {"description": description, "required": always, "schema": {"type": kind, **limits}}


def link(operation: str, body: Any = None, **parameters: str) -> dict[str, Any]:
    """Declare a link: runtime expressions that fill the parameters of another operation."""
    trace_id = {f"header.{TRACE_HEADER}": f"$response.header.{TRACE_HEADER}"}
    target = {"operationId": operation, "parameters": parameters | trace_id}
    return target if body is None else {**target, "requestBody": body}


def success_response(
    status: int,
    headers: Mapping[str, Any] | None = None,
    links: Mapping[str, Any] | None = None,
) -> Declaration:
    """Declare the headers and links of a successful response."""
    return {status: {"headers": dict(headers or {}), "links": dict(links or {})}}


TRACE_COMPONENTS = {
    "parameters": {
        "TraceId": {
            "name": TRACE_HEADER,
            "in": "header",
            "description": "Identifies the request in every log. The service generates one if it "
            "is absent, longer than 128 characters or not printable ASCII.",
            "schema": {"type": "string"},
        }
    },
    "headers": {
        "TraceId": header(
            "The trace id of the request.", always=True, pattern=r"^[\x21-\x7e]{1,128}$"
        )
    },
}


class DescribedApp(FastAPI):
    """FastAPI app whose OpenAPI document also declares what holds for every request."""

    def openapi(self) -> dict[str, Any]:
        """Return the document; FastAPI builds it once and caches it."""
        document = super().openapi()
        components = document.setdefault("components", {})
        if not components.keys() & TRACE_COMPONENTS.keys():
            components.update(TRACE_COMPONENTS)
            for methods in document["paths"].values():
                for operation in methods.values():
                    _complete(operation)
        return document


def _complete(operation: dict[str, Any]) -> None:
    operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/TraceId"})
    for response in operation["responses"].values():
        trace_id = {"$ref": "#/components/headers/TraceId"}
        response["headers"] = {**response.get("headers", {}), TRACE_HEADER: trace_id}
    if "security" in operation:
        # FastAPI lists the schemes, which means "any of them"; one object means "all of them".
        required = operation["security"]
        operation["security"] = [{name: scheme[name] for scheme in required for name in scheme}]
