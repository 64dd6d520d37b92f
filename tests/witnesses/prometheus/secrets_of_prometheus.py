"""Secrets of a Prometheus, and servers that repeat whatever they were sent."""

import json

from config.prometheus import Prometheus
from tests.evidence_factory import vector
from tests.secured_servers import Exchange

TOKEN, PASSWORD, KEY = "token-s3cret", "pass:wörd s3cret", "key-s3cret"
BASIC = {"username": "me", "password": PASSWORD}
BASIC_SENT = "bWU6cGFzczp3w7ZyZCBzM2NyZXQ="
SECRETS = (TOKEN, PASSWORD, KEY, BASIC_SENT, "s3cret")


def settings_of(url: str, **others: object) -> Prometheus:
    return Prometheus.model_validate({"url": url, "timeout": "5s", **others})


def respond_well(exchange: Exchange) -> None:
    body = {**vector(1), "data": {**vector(1)["data"], "version": "3.5.0", "activeTargets": []}}
    exchange.say(json.dumps(body).encode())


def echo(exchange: Exchange) -> bytes:
    """Return what a careless server writes: all that it was sent, the password decoded, too."""
    is_basic = "Basic" in exchange.headers.get("Authorization", "")
    password = PASSWORD if is_basic else ""
    return f"bad: {password} {exchange.headers.as_string()}".replace("\n", " ").encode()


def echo_in_text(exchange: Exchange) -> None:
    exchange.say(echo(exchange), 401, Content_Type="text/plain")
