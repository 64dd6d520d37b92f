"""Tests of the app that every service is built from."""

import pytest
from fastapi import APIRouter
from sqlalchemy import text

from reference_services.common.database import open_database
from reference_services.common.metrics import create_registry
from reference_services.common.service import ServiceSpec, build_app
from tests.reference_services.databases import Databases
from tests.reference_services.services import serving, settings


class Background:
    """Records that it was entered and left."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __enter__(self) -> None:
        self.events.append("entered")

    def __exit__(self, *_: object) -> None:
        self.events.append("left")


def spec(databases: Databases, *notes: str, **variables: str) -> ServiceSpec:
    configured = settings("cards", databases, **variables)
    return ServiceSpec(
        settings=configured,
        database=open_database(configured),
        registry=create_registry(),
        router=APIRouter(prefix="/api/v1/cards"),
        components=object(),
        notes=notes,
        background=Background(),
    )


def test_the_database_is_migrated_and_the_background_runs_while_the_app_does(
    sqlite: Databases,
) -> None:
    service = spec(sqlite)
    assert isinstance(service.background, Background)
    with serving(build_app(service), sqlite.url_of("cards")) as running:
        assert running.http.get("/ready").status_code == 200
        assert service.background.events == ["entered"]
        with service.database.read_transaction() as connection:
            assert connection.scalar(text("SELECT count(*) FROM cards")) == 0
    assert service.background.events == ["entered", "left"]


def test_health_notes_the_seeded_fault_before_the_notes_of_the_service(sqlite: Databases) -> None:
    app = build_app(spec(sqlite, "slow on purpose", FAULT="slow-tail"))
    with serving(app, sqlite.url_of("cards")) as running:
        notes = running.http.get("/health").json()["notes"]
    assert notes == ["seeded fault: slow-tail", "slow on purpose"]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/health/"])
def test_neither_a_documentation_page_nor_a_redirect_is_served(
    sqlite: Databases, path: str
) -> None:
    """The pages would load third-party scripts; a redirect would repeat a request."""
    with serving(build_app(spec(sqlite)), sqlite.url_of("cards")) as running:
        assert running.http.get(path).status_code == 404
