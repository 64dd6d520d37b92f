"""The secrets of a scenario, and the saved values that become secrets."""

from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment, read_environment
from scenarios.language.model import Scenario
from scenarios.language.secrets import secret_columns, secret_variables, secrets_of
from scenarios.language.tables import Table

ENVIRONMENT = Environment.model_validate(
    {"environment": "test", "services": {"shop": {"url": "http://shop.example"}}}
)


def scenario_of(*steps: dict[str, Any], **more: Any) -> Scenario:
    flow = [{"step": str(n), "request": "GET shop /", **step} for n, step in enumerate(steps)]
    profiles = {"once": {"users": 1, "iterations": 1}}
    return Scenario.model_validate({"scenario": "s", "flow": flow, "profiles": profiles, **more})


def found(*steps: dict[str, Any], **more: Any) -> set[str]:
    return set(secrets_of(scenario_of(*steps, **more), ENVIRONMENT))


@pytest.mark.parametrize("step", [
    {"headers": {"Authorization": "Bearer hunter"}},
    {"headers": {"X-Auth": "hunter"}},
    {"request": "GET shop /?password=hunter"},
    {"request": "GET shop /?a=1&x-functions-key=hunter"},
    {"json": {"user": {"password": "hunter"}}},
    {"json": [{"client_secret": "hunter"}]},
])  # fmt: skip
def test_what_stands_in_a_header_a_query_or_under_the_name_of_a_secret_is_one(
    step: dict[str, Any],
) -> None:
    assert found(step) == {"hunter"}


@pytest.mark.parametrize("step", [
    {"headers": {"Accept": "text/x-shop-7", "X-Kind": "gold"}},
    {"headers": {"Authorization": "Bearer {{ token }}"}, "save": {"token": "t"}},
    {"request": "GET shop /of-7-b?page=12&kind=gold&of={{ unique }}"},
    {"json": {"name": "some-7-b"}},
])  # fmt: skip
def test_words_templates_and_descriptions_are_no_secrets(step: dict[str, Any]) -> None:
    assert found(step) == set()


def test_a_value_of_a_request_that_is_a_label_too_is_in_plain_sight() -> None:
    """Redacted, the label would be missing on every page, and the count be wrong."""
    step = {"request": "POST shop /?plan=gold-7", "headers": {"X-Plan": "blue-8"}}
    assert found(step) == {"gold-7", "blue-8"}
    quantities = {"made": {"by": ["plan"], "prometheus": "made_total"}}
    counts = {"counts": {"made": {"gold-7": 1, "blue-8": 1}}}
    assert found({**step, **counts}, quantities=quantities) == set()


@pytest.mark.parametrize("name", ["X-Plan", "x-plan"])
def test_what_a_scenario_declares_public_is_no_secret(name: str) -> None:
    assert found({"headers": {"X-Plan": "blue-8"}}, public=[name]) == set()


def test_the_secrets_of_the_environment_are_among_those_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("environment: e\nservices: {shop: {url: 'http://s'}}\nheaders: {X-A: '${A}'}")
    environment = read_environment(path, {"A": "made_total"})
    assert secrets_of(scenario_of({}), environment) == ("made_total",)
    quantities = {"made": {"prometheus": "made_total"}}
    assert secrets_of(scenario_of({}, quantities=quantities), environment) == ()


@pytest.mark.parametrize("second", [
    {"headers": {"Authorization": "Bearer {{ it }}"}},
    {"headers": {"X-Of-Our-Own": "{{ it }}"}},
    {"request": "GET shop /?token={{ it }}"},
])  # fmt: skip
def test_a_saved_value_is_secret_if_a_later_request_has_it_in_a_header_or_as_a_token(
    second: dict[str, Any],
) -> None:
    scenario = scenario_of({"save": {"it": "a.b", "other": "c"}}, second)
    assert secret_variables(scenario, ENVIRONMENT) == {"it"}


def test_a_saved_value_is_secret_by_its_name_and_in_a_header_of_the_environment() -> None:
    scenario = scenario_of({"save": {"access_token": "t", "it": "a", "id": "b"}})
    environment = ENVIRONMENT.model_copy(update={"headers": {"X-A": "{{ it }}"}})
    assert secret_variables(scenario, environment) == {"access_token", "it"}


@pytest.mark.parametrize("header", ["X-Tenant-ID", "If-Match", "X-Plan"])
def test_a_saved_value_in_a_public_header_is_no_secret(header: str) -> None:
    second = {"headers": {header: "{{ it }}"}}
    scenario = scenario_of({"save": {"it": "a.b"}}, second, public=["X-Plan"])
    assert secret_variables(scenario, ENVIRONMENT) == frozenset()


def test_a_row_of_the_scenario_has_secrets_in_columns_that_are_named_like_one() -> None:
    rows = [{"id": "customer-7", "password": "hunter", "pin": 7}]
    step = {"request": "GET shop /{{ c.id }}"}
    assert found(step, data={"c": {"rows": rows}}) == {"hunter"}
    assert found(step, data={"c": {"rows": rows}}, public=["password"]) == set()


@pytest.mark.parametrize(("step", "hidden"), [
    ({}, ("password",)),
    ({"headers": {"Authorization": "Bearer {{ c.handle }}"}}, ("handle", "password")),
    ({"headers": {"Accept": "text/{{ c.handle }}"}}, ("password",)),
    ({"request": "GET shop /?token={{ c['id'] }}"}, ("id", "password")),
    ({"request": "GET shop /?page={{ c.id }}"}, ("password",)),
])  # fmt: skip
def test_a_column_is_secret_if_it_is_named_or_used_like_a_secret(
    step: dict[str, Any], hidden: tuple[str, ...]
) -> None:
    scenario = scenario_of(step, data={"c": {"file": "c.csv"}})
    tables = {"c": Table(("id", "handle", "password"), [])}
    assert secret_columns(scenario, ENVIRONMENT, tables) == {"c": hidden}


def test_a_public_column_is_no_secret() -> None:
    scenario = scenario_of({}, data={"c": {"file": "c.csv"}}, public=["Password"])
    assert secret_columns(scenario, ENVIRONMENT, {"c": Table(("password",), [])}) == {"c": ()}
