from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.network import Network, parse_host_port
from tests.config.test_environment import CERTIFICATE

SHOP = 'environment: test\nservices: {shop: {url: "https://shop.example"}}\n'


def read(folder: Path, text: str, **variables: str) -> Environment:
    (folder / "test.yaml").write_text(SHOP + text)
    return read_environment(folder / "test.yaml", variables)


@pytest.mark.parametrize(
    ("routes", "goal"),
    [
        ({}, ("shop.example", 443)),
        ({"till.example": "127.0.0.1:1"}, ("shop.example", 443)),
        ({"shop.example": "10.0.0.7"}, ("10.0.0.7", 443)),
        ({"shop.example": "node:8443"}, ("node", 8443)),
        ({"shop.example": "[::1]:8443"}, ("::1", 8443)),
        ({"shop.example:443": "a:1", "shop.example": "b:2"}, ("a", 1)),
        ({"shop.example:8443": "a:1"}, ("shop.example", 443)),
    ],
)
def test_a_host_is_routed_to_its_address(routes: dict[str, str], goal: tuple[str, int]) -> None:
    assert Network(routes).route("shop.example", 443) == goal


def test_routes_are_a_mapping_or_the_text_of_a_variable(tmp_path: Path) -> None:
    mapping = 'connect_to: {shop.example: "127.0.0.1:8443"}\n'
    assert read(tmp_path, mapping).connect_to == {"shop.example": "127.0.0.1:8443"}
    text = 'connect_to: "${ROUTES:-}"\n'
    assert read(tmp_path, text).connect_to == {}
    routes = read(tmp_path, text, ROUTES="shop.example=127.0.0.1:8443 till.example=[::1]:1")
    assert routes.connect_to == {"shop.example": "127.0.0.1:8443", "till.example": "[::1]:1"}


@pytest.mark.parametrize("route", ["shop.example", "shop.example=", "=node", "a=b:port", "a=u@b"])
def test_a_malformed_route_is_refused(tmp_path: Path, route: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST=ADDRESS"):
        read(tmp_path, f'connect_to: "{route}"\n')


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("node", ("node", None)),
        ("node:1", ("node", 1)),
        ("[::1]", ("::1", None)),
        ("node:99999", ("node", 99_999)),
        ("node:", None),
        ("http://node", None),
        ("", None),
        ("x..y", None),
        (".", None),
        (f"{'x' * 64}.example:1", None),
    ],
)
def test_host_and_port_are_parsed_and_anything_else_is_none(
    text: str, parsed: tuple[str, int | None] | None
) -> None:
    assert parse_host_port(text) == parsed


def test_the_ca_file_may_be_an_empty_variable(tmp_path: Path) -> None:
    text = 'ca_file: "${CA:-}"\n'
    assert read(tmp_path, text).network == Network()
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    assert read(tmp_path, text, CA="ca.pem").ca_file == f"{tmp_path}/ca.pem"
    with pytest.raises(ConfigError, match="there is no file"):
        read(tmp_path, text, CA="none.pem")


def test_a_variable_with_a_default_need_not_be_set(tmp_path: Path) -> None:
    assert read(tmp_path, 'tenant: "${TENANT:-per run}"\n').tenant == "per run"
    assert read(tmp_path, 'tenant: "${TENANT:-per run}"\n', TENANT="acme").tenant == "acme"


def test_a_run_has_a_new_tenant_unless_the_environment_fixes_one(tmp_path: Path) -> None:
    new = read(tmp_path, "")
    assert new.tenant_of_run() != new.tenant_of_run()
    assert read(tmp_path, "tenant: acme\n").tenant_of_run() == "acme"
