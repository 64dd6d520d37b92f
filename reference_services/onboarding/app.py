"""Builds the app of Onboarding from its settings."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from reference_services.common.api.middleware import RequestMetrics
from reference_services.common.calls.service_client import CallRuntime, ServiceClient
from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import ServiceSpec, build_app
from reference_services.common.settings import Settings, read_settings
from reference_services.faults.activation import seed_fault
from reference_services.faults.seams import Seams
from reference_services.onboarding.components import OnboardingComponents
from reference_services.onboarding.metrics import OnboardingMetrics
from reference_services.onboarding.routes import router
from reference_services.onboarding.store import SessionsStore


def create_app(settings: Settings | None = None, runtime: CallRuntime | None = None) -> FastAPI:
    """Build the app; settings default to those of the environment."""
    settings = settings or read_settings("onboarding")
    registry, database = create_registry(), open_database(settings)
    store, metrics = SessionsStore(database), OnboardingMetrics(registry)
    cards = ServiceClient(settings, metrics.set_circuit, runtime)
    app = build_app(
        ServiceSpec(
            settings=settings,
            database=database,
            registry=registry,
            router=router,
            components=OnboardingComponents(store, metrics, cards),
            cards=cards,
            middleware=(Middleware(RequestMetrics, metrics=metrics),),
        )
    )
    seed_fault(settings, Seams(app, store, metrics, cards))
    return app
