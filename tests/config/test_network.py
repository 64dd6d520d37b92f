"""Is a host reached where the environment's file says?"""

from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.network import Network
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
def test_a_host_leads_to_where_it_is_said_to_be(
    routes: dict[str, str], goal: tuple[str, int]
) -> None:
    assert Network(routes).route("shop.example", 443) == goal


def test_routes_are_a_mapping_or_a_text_as_a_variable_has_it(tmp_path: Path) -> None:
    mapping = 'connect_to: {shop.example: "127.0.0.1:8443"}\n'
    assert read(tmp_path, mapping).connect_to == {"shop.example": "127.0.0.1:8443"}
    text = 'connect_to: "${ROUTES:-}"\n'
    assert read(tmp_path, text).connect_to == {}
    routes = read(tmp_path, text, ROUTES="shop.example=127.0.0.1:8443 till.example=[::1]:1")
    assert routes.connect_to == {"shop.example": "127.0.0.1:8443", "till.example": "[::1]:1"}


@pytest.mark.parametrize("route", ["shop.example", "shop.example=", "=node", "a=b:port", "a=u@b"])
def test_what_is_no_route_is_a_mistake(tmp_path: Path, route: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST=ADDRESS"):
        read(tmp_path, f'connect_to: "{route}"\n')


def test_the_ca_of_all_addresses_may_be_a_variable_that_is_empty(tmp_path: Path) -> None:
    text = 'ca_file: "${CA:-}"\n'
    assert read(tmp_path, text).network == Network()
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    assert read(tmp_path, text, CA="ca.pem").ca_file == f"{tmp_path}/ca.pem"
    with pytest.raises(ConfigError, match="there is no file"):
        read(tmp_path, text, CA="none.pem")


def test_a_variable_with_a_default_need_not_be_set(tmp_path: Path) -> None:
    assert read(tmp_path, 'tenant: "${TENANT:-per run}"\n').tenant == "per run"
    assert read(tmp_path, 'tenant: "${TENANT:-per run}"\n', TENANT="acme").tenant == "acme"


def test_a_run_has_a_tenant_of_its_own_or_the_one_that_is_fixed(tmp_path: Path) -> None:
    new = read(tmp_path, "")
    assert new.tenant_of_run() != new.tenant_of_run()
    assert read(tmp_path, "tenant: acme\n").tenant_of_run() == "acme"
