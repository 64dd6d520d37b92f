from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment
from tests.tiny_server import nobody_listens_at
from tests.usage_apis.metered import Metered, metered
from tests.usage_apis.shapes import SHAPES
from witnesses.api.client import Patience
from witnesses.preflight.apis import inspect_api
from witnesses.preflight.inspection import Inspection, Outcome

_PLACE = ("quantities", "calls", "api", "lago")


def _inspected(usage: Metered, tenant: str = "per run", **settings: Any) -> Inspection:
    environment = Environment.model_validate({
        "environment": "test", "services": {"shop": {"url": "http://shop.example"}},
        "tenant": tenant, "apis": {usage.api.name: {"url": usage.api.url, **settings}},
    })  # fmt: skip
    patience = Patience(usage.clock, usage.clock.sleep)
    return inspect_api(usage.quantity, usage.api.name, environment, patience)


def _lago(place: Path, *answer: Any, tenant: str = "per run", **request: Any) -> Inspection:
    with metered("lago", place, request=request) as usage:
        if answer:
            usage.api.instead.append(lambda _: (*answer, {}))
        return _inspected(usage, tenant)


@pytest.mark.parametrize("name", SHAPES)
def test_a_documented_request_is_accepted(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.use()
        inspection = _inspected(usage)
    assert inspection.outcome is Outcome.FOUND
    assert inspection.subject == ("calls", "api", name)
    assert "the API accepts the request: " in inspection.observed


@pytest.mark.parametrize(
    ("name", "request_", "words"),
    [
        ("openmeter", {"get": "/api/v1/meters/cals/query"}, "404: meter not found"),
        ("openmeter", {"align": "1s"}, "400: from and to must be aligned"),
        ("stripe", {"align": "1m"}, "400: start_time and end_time must be aligned"),
        ("clickhouse", {"query": {"query": "SELCT 1"}}, "status 400"),
        ("loki", {"query": {"query": "sum("}}, "status 400"),
        ("elasticsearch", {"post": "/usage-*/_search"}, "405: Incorrect HTTP method"),
    ],
)
def test_a_request_that_is_refused_is_a_mistake_of_the_scenario(
    name: str, request_: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with metered(name, tmp_path, request=request_) as usage:
        inspection = _inspected(usage, tenant="acme")
    assert inspection.outcome is Outcome.WRONG
    assert words in inspection.observed
    assert inspection.remedy == "correct the request"


def test_a_pick_that_finds_something_else_is_a_mistake_with_its_own_line(tmp_path: Path) -> None:
    inspection = _lago(tmp_path, pick="usage.charges[].{kind: code, value: units}")
    assert (inspection.outcome, inspection.location) == (Outcome.WRONG, (*_PLACE, "pick"))
    assert "pick finds nothing" in inspection.observed


@pytest.mark.parametrize(("tenant", "outcome"), [("per run", "unseen"), ("acme", "wrong")])
def test_a_customer_that_only_the_run_creates_may_be_missing(
    tenant: str, outcome: str, tmp_path: Path
) -> None:
    inspection = _lago(tmp_path, 404, {"error": "Not Found"}, tenant=tenant)
    assert inspection.outcome is Outcome(outcome)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_api_that_is_busy_or_refuses_the_credentials_is_no_mistake(
    status: int, tmp_path: Path
) -> None:
    assert _lago(tmp_path, status, "").outcome is Outcome.DOWN


def test_an_api_that_nobody_runs_is_down(tmp_path: Path) -> None:
    with metered("lago", tmp_path) as usage:
        usage.api.url = nobody_listens_at()
        assert _inspected(usage).outcome is Outcome.DOWN


def test_a_pause_that_an_api_asks_for_is_waited_for(tmp_path: Path) -> None:
    with metered("lago", tmp_path) as usage:
        usage.api.once(429, "", Retry_After="9")
        assert _inspected(usage).outcome is Outcome.FOUND
        assert usage.clock.sleeps == [9.0]
