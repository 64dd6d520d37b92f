"""Does an environment's file say where things are, and is what it lacks reported?"""

from pathlib import Path

import pytest

from config.environment import FOLDER, find_environment, read_environment, read_environment_file
from config.errors import ConfigError

STAGING = """\
environment: staging
services:
  shop:
    url: https://shop.example/
  till:
    url: ${TILL_URL}
    metrics: [http://till-1.example/metrics, http://till-2.example/metrics/]
prometheus: {url: "http://prometheus.example", timeout: 500ms}
headers: {Authorization: "Bearer ${TOKEN}", X-Tenant-ID: "{{ tenant }}"}
load: {allowed: true, max_users: 5}
"""
VARIABLES = {"TILL_URL": "http://till.example:8080", "TOKEN": "secret"}


def written(folder: Path, text: str = STAGING) -> Path:
    path = folder / "staging.yaml"
    path.write_text(text)
    return path


def mistakes(folder: Path, old: str, new: str) -> str:
    assert old in STAGING
    with pytest.raises(ConfigError) as error:
        read_environment(written(folder, STAGING.replace(old, new)), VARIABLES)
    return str(error.value).replace(f"{folder}/", "")


def test_an_environment_is_found_by_its_name() -> None:
    assert find_environment("local") == FOLDER / "local.yaml"


def test_an_environment_is_found_by_its_path(tmp_path: Path) -> None:
    assert find_environment(str(written(tmp_path))) == tmp_path / "staging.yaml"


@pytest.mark.parametrize("name", ["nowhere", "nowhere.yaml", "nowhere.yml"])
def test_an_unknown_environment_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ConfigError, match=r"no such environment; known: .*local.*, or a YAML file"):
        find_environment(name)


def test_variables_given_stand_in_the_values(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path), VARIABLES)
    assert environment.services["till"].url == "http://till.example:8080"
    assert environment.headers == {"Authorization": "Bearer secret", "X-Tenant-ID": "{{ tenant }}"}


def test_variables_given_go_before_those_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILL_URL", "http://process.example")
    monkeypatch.setenv("TOKEN", "from-process")
    environment = read_environment(written(tmp_path), {"TILL_URL": "http://given.example"})
    assert environment.services["till"].url == "http://given.example"
    assert environment.headers["Authorization"] == "Bearer from-process"


def test_every_variable_that_is_not_set_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILL_URL", raising=False)
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(ConfigError) as error:
        read_environment(written(tmp_path))
    assert [(problem.line, problem.message) for problem in error.value.problems] == [
        (6, "the environment variable TILL_URL is not set; export it first"),
        (9, "the environment variable TOKEN is not set; export it first"),
    ]


def test_an_address_has_no_slash_at_its_end(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path), VARIABLES)
    assert environment.services["shop"].url == "https://shop.example"


def test_a_service_shows_its_metrics_at_each_replica_or_at_its_own_address(tmp_path: Path) -> None:
    services = read_environment(written(tmp_path), VARIABLES).services
    assert services["shop"].metrics_urls() == ["https://shop.example/metrics"]
    assert services["till"].metrics_urls() == [
        "http://till-1.example/metrics",
        "http://till-2.example/metrics",
    ]


def test_an_environment_that_says_nothing_of_load_allows_none(tmp_path: Path) -> None:
    text = STAGING.replace("load: {allowed: true, max_users: 5}\n", "")
    environment = read_environment(written(tmp_path, text), VARIABLES)
    assert not environment.load.allowed
    assert not environment.exclusive


def test_the_timeout_of_a_query_is_in_seconds(tmp_path: Path) -> None:
    prometheus = read_environment(written(tmp_path), VARIABLES).prometheus
    assert prometheus is not None
    assert prometheus.timeout == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "https://shop.example/",
            "shop.example",
            "staging.yaml:4: services.shop.url: 'shop.example' is not an address; "
            "write http://… or https://…",
            id="no scheme",
        ),
        pytest.param(
            "timeout: 500ms",
            "timeout: 500",
            "staging.yaml:8: prometheus.timeout: 500 is not a duration; "
            "write a number and a unit: 500ms, 2.5s, 10m",
            id="no unit",
        ),
        pytest.param(
            "max_users: 5",
            "max_users: 0",
            "staging.yaml:10: load.max_users: input should be greater than 0",
            id="no user",
        ),
        pytest.param(
            "allowed: true, ",
            "",
            "staging.yaml:10: the key 'load.allowed' is missing",
            id="load without permission",
        ),
        pytest.param(
            "load: {",
            "laod: {",
            "staging.yaml:10: unknown key 'laod'; did you mean load?",
            id="misspelt",
        ),
        pytest.param(
            "    url: https://shop.example/",
            "    {}",
            "staging.yaml:3: the key 'services.shop.url' is missing",
            id="service without address",
        ),
        pytest.param(
            "environment: staging\n",
            "environment: staging\nstack: mine\n",
            "staging.yaml:2: stack: input should be 'reference_services'",
            id="unknown stack",
        ),
    ],
)
def test_a_mistake_names_line_field_and_remedy_in_an_environment(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert mistakes(tmp_path, old, new) == message


def test_an_environment_needs_a_service(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"staging.yaml:2: services: "):
        read_environment(written(tmp_path, "environment: e\nservices: {}\n"), {})


def test_what_needs_no_variables_is_read_without_them(tmp_path: Path) -> None:
    read = read_environment_file(written(tmp_path))
    assert (read.name, read.starts_stack) == ("staging", False)
    assert read.headers["Authorization"] == "Bearer ${TOKEN}"


def test_the_local_environment_starts_its_stack() -> None:
    read = read_environment_file(find_environment("local"))
    assert (read.name, read.starts_stack) == ("local", True)


@pytest.mark.parametrize("text", ["[1]\n", "headers: 3\n", "environment:\n"])
def test_a_file_without_a_name_is_called_by_its_path(tmp_path: Path, text: str) -> None:
    read = read_environment_file(written(tmp_path, text))
    assert (read.name, read.starts_stack, read.headers) == ("staging", False, {})
