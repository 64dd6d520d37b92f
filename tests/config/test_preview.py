from pathlib import Path

import pytest

from config.errors import ConfigError
from config.preview import preview_environment

EVERYTHING = """\
environment: staging
services:
  shop:
    url: "${SHOP_URL}"
    ready: "/${READY}"
    metrics: "${SHOP_METRICS}"
  till:
    url: "https://${TILL_HOST}:${TILL_PORT}/base"
    metrics: ["${TILL_METRICS}"]
prometheus:
  url: "${PROMETHEUS_URL}"
  timeout: "${PROMETHEUS_TIMEOUT}"
  basic_auth: {username: "${USERNAME}", password: "${PASSWORD}"}
databases: {shop: "${SHOP_DATABASE}", till: "postgresql://me:${TILL_PASSWORD}@db/till"}
headers: {Authorization: "Bearer ${API_TOKEN}", X-Tenant-ID: "{{ tenant }}"}
metrics_headers: {Authorization: "Bearer ${METRICS_TOKEN}"}
ca_file: "${CA_FOLDER}/ca.pem"
connect_to: "${ROUTES}"
tenant: "${TENANT}"
load: {allowed: true, max_rate: "${MAX_RATE}"}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "e.yaml"
    path.write_text(text)
    return path


def problems_in(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        preview_environment(path, lambda _: True)
    return str(error.value).replace(f"{path.parent}/", "").splitlines()


def test_a_variable_may_be_unknown_wherever_a_text_can_stand(tmp_path: Path) -> None:
    environment = preview_environment(written(tmp_path, EVERYTHING), lambda _: True)
    assert list(environment.services) == ["shop", "till"]
    assert list(environment.databases) == ["shop", "till"]
    assert environment.load.allowed


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ready: ", "redy: ", "e.yaml:5: unknown key 'redy'; did you mean ready?"),
        ("max_rate", "max_rat", "e.yaml:20: unknown key 'max_rat'; did you mean max_rate?"),
        ("https://$", "ftp://$", "e.yaml:8: services.till.url: "),
        (
            "allowed: true",
            'allowed: "${ALLOWED}"',
            "e.yaml:20: load.allowed: must be true or",
        ),
        ("${API_TOKEN}", "literally", "e.yaml:15: headers.Authorization: a secret in plaintext"),
        ("postgresql://", "nosuch://", "e.yaml:14: databases.till: not a database URL"),
    ],
)
def test_what_no_value_could_make_valid_is_reported(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in EVERYTHING
    (problem,) = problems_in(written(tmp_path, EVERYTHING.replace(old, new)))
    assert problem.startswith(expected)


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    text = EVERYTHING.replace("ready: ", "redy: ").replace("${API_TOKEN}", "literally")
    assert len(problems_in(written(tmp_path, text))) == 2


def test_a_variable_that_is_known_must_have_a_value(tmp_path: Path) -> None:
    text = "environment: e\nservices: {shop: {url: '${NOBODY_SETS_THIS}'}}\n"
    with pytest.raises(ConfigError, match="NOBODY_SETS_THIS is not set; export it first"):
        preview_environment(written(tmp_path, text), lambda _: False)


def test_a_default_is_used_even_if_the_variable_is_unknown(tmp_path: Path) -> None:
    text = "environment: e\nservices: {shop: {url: '${NOBODY_SETS_THIS:-http://shop.example}'}}\n"
    environment = preview_environment(written(tmp_path, text), lambda _: True)
    assert environment.services["shop"].url == "http://shop.example"
