"""Builds the app of Workflow from its settings."""

from fastapi import FastAPI

from reference_services.common.background import BackgroundTask
from reference_services.common.calls.service_client import CallRuntime, ServiceClient
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import THREADS, ServiceSpec, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams
from reference_services.workflow.card_cache import CardCache
from reference_services.workflow.components import WorkflowComponents
from reference_services.workflow.delay import read_delay
from reference_services.workflow.generation import ContentWriter
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.routes import router
from reference_services.workflow.store import ExecutionsStore
from reference_services.workflow.usage_delivery import IDLE_PAUSE_S, UsageDelivery

# With a delay, threads mostly sleep: too few of them would add a queue to what is measured.
DELAYED_THREADS = 400


def create_app(settings: Settings | None = None, runtime: CallRuntime | None = None) -> FastAPI:
    """Build the app; settings default to those of the environment."""
    settings, runtime = settings or read_settings("workflow"), runtime or CallRuntime()
    registry, database = create_registry(), open_database(settings)
    store, metrics = ExecutionsStore(database), WorkflowMetrics(registry)
    cards = ServiceClient(settings, metrics.set_circuit, runtime)
    cache, delay = CardCache(settings.cards_cache_ttl_s, runtime.now), read_delay(settings)
    app = build_app(
        ServiceSpec(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            components=WorkflowComponents(store, metrics, cards, cache, ContentWriter(), delay),
            cards=cards,
            notes=(delay.note,) if delay else (),
            threads=DELAYED_THREADS if delay else THREADS,
            background=BackgroundTask(
                "delivery", UsageDelivery(store, metrics, cards).deliver, IDLE_PAUSE_S
            ),
        )
    )
    seed_fault(settings, Seams(app, store, metrics, cards))
    return app
