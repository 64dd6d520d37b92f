from pathlib import Path

from config.environment import Environment
from config.services import Service
from scenarios.driver.flow import CompiledStep, compile_flow
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import changed

SHOP = Service(
    url="http://shop.example", headers={"authorization": "Basic b3du", "X-Tenant-ID": None}
)
ENVIRONMENT = Environment(
    environment="test",
    services={"shop": SHOP},
    headers={"Authorization": "Bearer all", "X-Tenant-ID": "{{ tenant }}", "Accept": "text/plain"},
)


def step_of(folder: Path, headers: str, environment: Environment = ENVIRONMENT) -> CompiledStep:
    """Compile a step with headers of its own."""
    step = "    request: POST shop /orders\n"
    path = changed(folder, step, f"{step}    headers: {headers}\n")
    return compile_flow(read_scenario(path), environment, "run-1", "acme").steps[0]


def headers_of(folder: Path, headers: str) -> dict[str, str]:
    return dict(step_of(folder, headers).request_template.headers)


def test_a_request_carries_the_headers_of_its_service(tmp_path: Path) -> None:
    sent = headers_of(tmp_path, "{X-A: a}")
    assert sent["authorization"] == "Basic b3du"
    assert sent["Accept"] == "text/plain"
    assert not {"Authorization", "X-Tenant-ID"} & sent.keys()


def test_a_step_replaces_a_header_whatever_the_case_of_its_name(tmp_path: Path) -> None:
    sent = headers_of(tmp_path, "{AUTHORIZATION: of-the-step}")
    assert [value for name, value in sent.items() if name.lower() == "authorization"] == [
        "of-the-step"
    ]
