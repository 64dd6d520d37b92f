"""How is Workflow put together?"""

from fastapi import FastAPI

from reference_services.common.background import Meanwhile
from reference_services.common.calls.caller import Caller, Wire
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import THREADS, Service, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams
from reference_services.workflow.card_cache import CardCache
from reference_services.workflow.components import Workflow
from reference_services.workflow.delay import read_delay
from reference_services.workflow.delivery import PAUSE_S, Delivery
from reference_services.workflow.generation import Writer
from reference_services.workflow.metrics import WorkflowMetrics
from reference_services.workflow.routes import router
from reference_services.workflow.store import ExecutionsStore

# With a delay, a thread mostly waits: few of them would be a queue that no benchmark asked for.
DELAYED_THREADS = 400


def create_app(settings: Settings | None = None, wire: Wire | None = None) -> FastAPI:
    """Build the service from its settings, by default those of the environment."""
    settings, wire = settings or read_settings("workflow"), wire or Wire()
    registry, database = create_registry(), open_database(settings)
    store, metrics = ExecutionsStore(database), WorkflowMetrics(registry)
    cards = Caller(settings, metrics.set_circuit, wire)
    cache, delay = CardCache(settings.cards_cache_ttl_s, wire.now), read_delay(settings)
    app = build_app(
        Service(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            parts=Workflow(store, metrics, cards, cache, Writer(), delay),
            cards=cards,
            notes=(delay.note,) if delay else (),
            threads=DELAYED_THREADS if delay else THREADS,
            meanwhile=Meanwhile("delivery", Delivery(store, metrics, cards).deliver, PAUSE_S),
        )
    )
    seed_fault(settings, Seams(app, store, metrics, cards))
    return app
