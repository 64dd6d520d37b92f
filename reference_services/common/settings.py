"""How is this service configured? From environment variables, read once at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What a service is told at start."""

    service: str
    database_url: str
    cards_url: str
    fault: str | None
    log_level: str


def read_settings(service: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the named service.

    `DATABASE_URL`, `CARDS_URL`, `FAULT` and `LOG_LEVEL`; each has a default that suits one machine.
    """
    return Settings(
        service=service,
        database_url=environ.get("DATABASE_URL") or f"sqlite:///{service}.db",
        cards_url=environ.get("CARDS_URL") or "http://127.0.0.1:8002",
        fault=environ.get("FAULT") or None,
        log_level=(environ.get("LOG_LEVEL") or "INFO").upper(),
    )
