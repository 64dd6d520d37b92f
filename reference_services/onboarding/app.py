"""How is Onboarding put together?"""

from fastapi import FastAPI
from starlette.middleware import Middleware

from reference_services.common.api.middleware import RequestCount
from reference_services.common.calls.caller import Caller, Wire
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import Service, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams
from reference_services.onboarding.components import Onboarding
from reference_services.onboarding.metrics import OnboardingMetrics
from reference_services.onboarding.routes import router
from reference_services.onboarding.store import SessionsStore


def create_app(settings: Settings | None = None, wire: Wire | None = None) -> FastAPI:
    """Build the service from its settings, by default those of the environment."""
    settings = settings or read_settings("onboarding")
    registry, database = create_registry(), open_database(settings)
    store, metrics = SessionsStore(database), OnboardingMetrics(registry)
    cards = Caller(settings, metrics.set_circuit, wire)
    app = build_app(
        Service(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            parts=Onboarding(store, metrics, cards),
            cards=cards,
            counting=(Middleware(RequestCount, metrics=metrics),),
        )
    )
    seed_fault(settings, Seams(app, store, metrics, cards))
    return app
