"""Tests of the seams at which a fault wraps a service."""

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_services.faults.seams import Seams
from tests.reference_services.services import serving


def app_with_two_routes() -> FastAPI:
    app = FastAPI()
    app.get("/api/v1/cards")(lambda: "api")
    app.get("/health")(lambda: "health")
    return app


def test_a_wrapper_of_the_api_sees_no_probe() -> None:
    app, seen = app_with_two_routes(), []

    async def note(inner: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["path"])
        await inner(scope, receive, send)

    Seams(app, None, None).wrap_api(note)
    with serving(app, "") as service:
        bodies = [service.http.get(path).json() for path in ("/health", "/api/v1/cards")]
    assert bodies == ["health", "api"]
    assert seen == ["/api/v1/cards"]


def test_an_override_replaces_the_response_unless_it_is_none() -> None:
    app = app_with_two_routes()

    def override(scope: Scope) -> Response | None:
        return PlainTextResponse("instead", 418) if scope["path"] == "/health" else None

    Seams(app, None, None).override_response(override)
    with serving(app, "") as service:
        assert service.http.get("/health").text == "instead"
        assert service.http.get("/api/v1/cards").json() == "api"
