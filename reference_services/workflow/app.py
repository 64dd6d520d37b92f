"""How is Workflow put together?"""

from fastapi import FastAPI

from reference_services.common.calls import Caller
from reference_services.common.database import Database
from reference_services.common.metrics import create_registry
from reference_services.common.service import Service, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults import Seams, seed_fault
from reference_services.workflow.generation import Writer
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.parts import Workflow
from reference_services.workflow.routes import router
from reference_services.workflow.store import ExecutionsStore, tables


def create_app(settings: Settings | None = None, cards: Caller | None = None) -> FastAPI:
    """Build the service from its settings, by default those of the environment."""
    settings = settings or read_settings("workflow")
    cards = cards or Caller(settings.cards_url)
    registry, database = create_registry(), Database(settings.database_url)
    store, metrics = ExecutionsStore(database), WorkflowMetrics(registry)
    app = build_app(
        Service(
            settings=settings,
            database=database,
            tables=tables,
            registry=registry,
            router=router,
            parts=Workflow(store, metrics, cards, Writer()),
            cards=cards,
        )
    )
    seed_fault(settings, Seams(app, store, metrics))
    return app
