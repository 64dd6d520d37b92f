"""Builds the FastAPI app of a service from its components."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from reference_services.common.api import operational_routes
from reference_services.common.api.errors import handle_http_exception, handle_validation_error
from reference_services.common.api.middleware import (
    ErrorBoundary,
    RequestLog,
    SecurityHeaders,
    Trace,
)
from reference_services.common.api.openapi import DescribedApp
from reference_services.common.api.rate_limit import RateLimit
from reference_services.common.api.tokens import Tokens, require_token
from reference_services.common.calls.service_client import ServiceClient
from reference_services.common.database import Database
from reference_services.common.json_logs import configure_logs
from reference_services.common.migration import migrate, revisions_of
from reference_services.common.settings import Settings

THREADS = 40


@dataclass(frozen=True)
class ServiceSpec:
    """The parts of an app that differ between services.

    `middleware` sits between the request log and the error boundary; `notes` appear in `/health`;
    `threads` bounds the requests handled at once; `background` runs while the app does.
    """

    settings: Settings
    database: Database
    registry: CollectorRegistry
    router: APIRouter
    components: object
    cards: ServiceClient | None = None
    middleware: tuple[Middleware, ...] = ()
    notes: tuple[str, ...] = ()
    threads: int = THREADS
    background: AbstractContextManager[object] | None = None


def build_app(service: ServiceSpec) -> FastAPI:
    """Build the app; it migrates its database schema when it starts."""
    settings = service.settings
    configure_logs(settings.service, settings.log_level)
    app = DescribedApp(
        title=settings.service.title(),
        # The documentation pages would load scripts from a third-party server.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=_lifespan(service),
        middleware=[
            Middleware(Trace),
            Middleware(SecurityHeaders),
            Middleware(RequestLog),
            *service.middleware,
            Middleware(ErrorBoundary),
        ],
        exception_handlers={
            HTTPException: handle_http_exception,
            RequestValidationError: handle_validation_error,
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
    seeded = [f"seeded fault: {settings.fault}"] if settings.fault else []
    app.state.notes = [*seeded, *service.notes]
    app.state.components = service.components
    return app


# A coroutine although nothing is awaited: FastAPI would run a function in the thread pool.
async def get_components(request: Request) -> Any:
    """Return the components of the service; a FastAPI dependency of every route."""
    return request.app.state.components


def _probes(service: ServiceSpec) -> operational_routes.Probes:
    probes = {"database": service.database.is_reachable}
    if service.cards:
        probes["cards"] = service.cards.is_reachable
    return probes


def _lifespan(service: ServiceSpec) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = service.threads
        with ExitStack() as open_parts:
            open_parts.callback(service.database.close)
            name = service.settings.service
            migrate(service.database, name, revisions_of(name))
            if service.cards:
                open_parts.callback(service.cards.close)
            if service.background:
                open_parts.enter_context(service.background)
            yield

    return lifespan
