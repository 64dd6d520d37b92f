"""Builds the app of Cards from its settings."""

from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware

from reference_services.cards import row_count
from reference_services.cards.components import CardsComponents
from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.routes import router
from reference_services.cards.store import CardsStore
from reference_services.common.api.middleware import RequestMetrics
from reference_services.common.background import BackgroundTask
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import THREADS, ServiceSpec, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams

# SQLite admits one writer at a time, and Cards waits for nothing else: more threads would queue.
SQLITE_THREADS = 1


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; settings default to those of the environment."""
    settings = settings or read_settings("cards")
    registry, database = create_registry(), open_database(settings)
    store, metrics = CardsStore(database), CardsMetrics(registry)
    app = build_app(
        ServiceSpec(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            components=CardsComponents(store, metrics),
            threads=SQLITE_THREADS if database.is_sqlite else THREADS,
            middleware=(Middleware(RequestMetrics, metrics=metrics),),
            background=BackgroundTask(
                "count", partial(row_count.count_rows, store, metrics), row_count.INTERVAL_S
            ),
        )
    )
    seed_fault(settings, Seams(app, store, metrics))
    return app
