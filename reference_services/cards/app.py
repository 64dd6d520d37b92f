"""How is Cards put together?"""

from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware

from reference_services.cards import row_count
from reference_services.cards.components import Cards
from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.routes import router
from reference_services.cards.store import CardsStore
from reference_services.common.api.middleware import RequestCount
from reference_services.common.background import Meanwhile
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import THREADS, Service, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams

# SQLite writes one at a time, and Cards waits for nothing else: more threads would only take turns.
SQLITE_THREADS = 1


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service from its settings, by default those of the environment."""
    settings = settings or read_settings("cards")
    registry, database = create_registry(), open_database(settings)
    store, metrics = CardsStore(database), CardsMetrics(registry)
    app = build_app(
        Service(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            parts=Cards(store, metrics),
            threads=SQLITE_THREADS if database.is_sqlite else THREADS,
            counting=(Middleware(RequestCount, metrics=metrics),),
            meanwhile=Meanwhile(
                "count", partial(row_count.count_rows, store, metrics), row_count.PACE_S
            ),
        )
    )
    seed_fault(settings, Seams(app, store, metrics))
    return app
