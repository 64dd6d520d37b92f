"""What is every service made of? Its parts, and the app that is built around them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from sqlalchemy import MetaData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from reference_services.common import operations
from reference_services.common.calls import Caller
from reference_services.common.database import Database
from reference_services.common.errors import answer_http_exception, answer_invalid_request
from reference_services.common.logs import configure_logs
from reference_services.common.middleware import Refusals, RequestLog, Trace
from reference_services.common.settings import Settings


@dataclass(frozen=True)
class Service:
    """What differs from one service to another."""

    settings: Settings
    database: Database
    tables: MetaData
    registry: CollectorRegistry
    router: APIRouter
    parts: object
    cards: Caller | None = None
    counting: tuple[Middleware, ...] = ()


def build_app(service: Service) -> FastAPI:
    """Build the app: routes within middleware, its tables created when it starts."""
    configure_logs(service.settings.service, service.settings.log_level)
    app = FastAPI(
        title=service.settings.service.title(),
        redirect_slashes=False,
        lifespan=_lifespan(service),
        middleware=[
            Middleware(Trace),
            Middleware(RequestLog),
            *service.counting,
            Middleware(Refusals),
        ],
        exception_handlers={
            HTTPException: answer_http_exception,
            RequestValidationError: answer_invalid_request,
        },
    )
    app.include_router(service.router)
    app.include_router(operations.router)
    app.state.registry = service.registry
    app.state.probes = _probes(service)
    app.state.parts = service.parts
    return app


# A coroutine, though nothing is awaited: FastAPI would send a function to the thread pool.
async def parts_of(request: Request) -> Any:
    """Return the parts of the service that a route works with."""
    return request.app.state.parts


def _probes(service: Service) -> operations.Probes:
    probes = {"database": service.database.is_answering}
    if service.cards:
        probes["cards"] = service.cards.is_answering
    return probes


def _lifespan(service: Service) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.database.create_tables(service.tables)
        yield
        if service.cards:
            service.cards.close()
        service.database.close()

    return lifespan
