"""What is every service made of? Its parts, and the app that is built around them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from reference_services.common.api import operational_routes
from reference_services.common.api.errors import answer_http_exception, answer_invalid_request
from reference_services.common.api.middleware import Protection, Refusals, RequestLog, Trace
from reference_services.common.api.openapi import DescribedApp
from reference_services.common.api.rate_limit import RateLimit
from reference_services.common.api.tokens import Tokens, require_token
from reference_services.common.calls.caller import Caller
from reference_services.common.database import Database
from reference_services.common.json_logs import configure_logs
from reference_services.common.migration import migrate, revisions_of
from reference_services.common.settings import Settings

THREADS = 40


@dataclass(frozen=True)
class Service:
    """What differs from one service to another."""

    settings: Settings
    database: Database
    registry: CollectorRegistry
    router: APIRouter
    parts: object
    cards: Caller | None = None
    counting: tuple[Middleware, ...] = ()
    notes: tuple[str, ...] = ()
    threads: int = THREADS
    meanwhile: AbstractContextManager[object] | None = None


def build_app(service: Service) -> FastAPI:
    """Build the app: routes within middleware, its schema brought up to date when it starts."""
    settings = service.settings
    configure_logs(settings.service, settings.log_level)
    app = DescribedApp(
        title=settings.service.title(),
        # The pages that show the API would fetch their scripts from somebody else's server.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan(service),
        middleware=[
            Middleware(Trace),
            Middleware(Protection),
            Middleware(RequestLog),
            *service.counting,
            Middleware(Refusals),
        ],
        exception_handlers={
            HTTPException: answer_http_exception,
            RequestValidationError: answer_invalid_request,
        },
    )
    tokens = Tokens((*settings.api_tokens, *settings.service_tokens))
    app.include_router(service.router, dependencies=[Depends(require_token)] if tokens else [])
    app.include_router(operational_routes.router)
    app.state.tokens = tokens
    app.state.rate_limit = RateLimit(settings.rate_limit)
    app.state.registry = service.registry
    app.state.probes = _probes(service)
    app.state.version = settings.service_version
    app.state.notes = [*_fault_notes(settings), *service.notes]
    app.state.parts = service.parts
    return app


# A coroutine, though nothing is awaited: FastAPI would send a function to the thread pool.
async def parts_of(request: Request) -> Any:
    """Return the parts of the service that a route works with."""
    return request.app.state.parts


def _operation_id(route: APIRoute) -> str:
    return route.name


def _fault_notes(settings: Settings) -> list[str]:
    return [f"a fault is seeded: {settings.fault}"] if settings.fault else []


def _probes(service: Service) -> operational_routes.Probes:
    probes = {"database": service.database.is_answering}
    if service.cards:
        probes["cards"] = service.cards.is_answering
    return probes


def _lifespan(service: Service) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = service.threads
        with ExitStack() as open_parts:
            open_parts.callback(service.database.close)
            name = service.settings.service
            migrate(service.database, name, revisions_of(name))
            if service.cards:
                open_parts.callback(service.cards.close)
            if service.meanwhile:
                open_parts.enter_context(service.meanwhile)
            yield

    return lifespan
