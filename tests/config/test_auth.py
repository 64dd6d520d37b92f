"""Credentials in environment files: what they become, and every mistake with its line."""

import re
from pathlib import Path

import pytest

from config.auth import NO_AUTH
from config.environment import Environment, read_environment, read_environment_file
from config.errors import ConfigError
from config.preview import preview_environment
from config.verbatim import TextPart
from tests.secured_servers import sign

URL = "https://shop.example"
VARIABLES = {"SECRET": "hunter22-9", "TOKEN": "t0ken-t0ken", "EMPTY": ""}
OAUTH2 = """oauth2:
        token_url: https://auth.example/token
        client_id: ada
        client_secret: ${SECRET}
        scope: read write"""
CERTIFICATE = "certificate: {file: tls/server.pem, key: tls/server.key}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with certificates of a client."""
    made = tmp_path_factory.mktemp("environments")
    sign(made / "tls")
    sign(made / "other")
    return made


def written(folder: Path, auth: str, more: str = "") -> Path:
    path = folder / "staging.yaml"
    path.write_text(
        f"environment: staging\nservices:\n  shop:\n    url: {URL}\n{more}    auth:\n"
        f"      {auth}\nheaders: {{Authorization: 'Bearer ${{TOKEN}}', X-Tenant: acme}}\n"
    )
    return path


def read(folder: Path, auth: str, more: str = "") -> Environment:
    return read_environment(written(folder, auth, more), VARIABLES)


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ("basic: {username: ada, password: '${SECRET}'}", ("Authorization", "Basic YWRhOmh1bnRlcj"
                                                          "IyLTk=")),
        ("bearer: ${TOKEN}", ("Authorization", "Bearer t0ken-t0ken")),
        ("api_key: {header: X-API-Key, value: '${SECRET}'}", ("X-API-Key", "hunter22-9")),
    ],
)  # fmt: skip
def test_credentials_are_a_header_that_replaces_that_of_the_environment(
    folder: Path, auth: str, header: tuple[str, str]
) -> None:
    headers = read(folder, auth).headers_of("shop")
    assert headers[header[0]] == (TextPart(header[1], is_verbatim=True),)
    assert headers["X-Tenant"] == (TextPart("acme"),)


def test_a_fetched_token_replaces_the_header_of_the_environment(folder: Path) -> None:
    assert list(read(folder, OAUTH2).headers_of("shop")) == ["X-Tenant"]


@pytest.mark.parametrize(
    ("auth", "secrets"),
    [
        ("basic: {username: ada7, password: '${SECRET}'}", {"hunter22-9", "ada7:hunter22-9"}),
        ("bearer: ${TOKEN}", {"t0ken-t0ken"}),
        ("api_key: {query: key, value: '${SECRET}'}", {"hunter22-9"}),
        (OAUTH2, {"hunter22-9", "YWRhOmh1bnRlcjIyLTk="}),
    ],
)
def test_credentials_are_secrets(folder: Path, auth: str, secrets: set[str]) -> None:
    environment = read(folder, auth)
    assert secrets <= {*environment.secrets()}
    assert "hunter22-9" not in repr(environment)
    assert "t0ken-t0ken" not in repr(environment)


def test_a_client_certificate_is_found_beside_the_file_and_goes_with_a_token(folder: Path) -> None:
    auth = read(folder, f"{OAUTH2}\n      {CERTIFICATE}").services["shop"].auth
    assert auth.certificate
    assert auth.certificate.file == str(folder / "tls" / "server.pem")
    assert auth.oauth2


def test_scrapes_of_the_same_origin_have_the_credentials_and_others_have_not(folder: Path) -> None:
    shop = read(folder, "bearer: ${TOKEN}").services["shop"]
    for url in (f"{URL}/metrics", f"{URL}:443/m", "https://SHOP.example/m"):
        assert shop.auth_of_metrics(url) == shop.auth
    for url in ("http://shop.example/metrics", f"{URL}:8443/m", f"{URL}.evil.example/metrics"):
        assert shop.auth_of_metrics(url) == NO_AUTH


def test_credentials_of_metrics_replace_those_of_the_service_everywhere(folder: Path) -> None:
    more = "    metrics_auth: {api_key: {header: X-Key, value: '${SECRET}'}}\n"
    shop = read(folder, "bearer: ${TOKEN}", more).services["shop"]
    assert shop.auth_of_metrics("http://node-1.example/metrics").header_value == "hunter22-9"


def test_none_leaves_the_credentials_out_of_scrapes(folder: Path) -> None:
    shop = read(folder, "bearer: ${TOKEN}", "    metrics_auth: none\n").services["shop"]
    assert shop.auth_of_metrics(f"{URL}/metrics") == NO_AUTH


def test_credentials_of_metrics_replace_the_metrics_headers_of_the_environment(
    folder: Path,
) -> None:
    path = written(folder, "bearer: ${TOKEN}", "    metrics_auth: {bearer: '${SECRET}'}\n")
    path.write_text(path.read_text() + "metrics_headers: {authorization: 'x ${TOKEN}', X-B: b}\n")
    assert read_environment(path, VARIABLES).metrics_headers_of("shop", "") == {"X-B": "b"}


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ("basic: {username: ada, password: '${SECRET}'}", "Basic ${BASIC_CREDENTIALS}"),
        ("bearer: ${TOKEN}", "Bearer ${TOKEN}"),
        (OAUTH2, "Bearer ${ACCESS_TOKEN}"),
    ],
)
def test_a_record_has_variables_instead_of_credentials(
    folder: Path, auth: str, header: str
) -> None:
    path = written(folder, auth)
    assert read_environment_file(path).headers["shop"]["Authorization"] == header


def test_a_record_of_an_api_key_has_its_variable(folder: Path) -> None:
    path = written(folder, "api_key: {header: X-API-Key, value: '${SECRET}'}")
    assert read_environment_file(path).headers["shop"]["X-API-Key"] == "${SECRET}"


@pytest.mark.parametrize(
    "auth",
    [
        "bearer: ${TOKEN}",
        "basic: {username: '${USER_NAME}', password: '${SECRET}'}",
        OAUTH2.replace("https://auth.example/token", "${TOKEN_URL}"),
        "certificate: {file: '${FILE}', key: '${KEY}'}",
        "certificate: {file: tls/server.pem, key: tls/server.key, password: '${SECRET}'}",
    ],
)
def test_credentials_are_validated_without_the_values_of_their_variables(
    folder: Path, auth: str
) -> None:
    preview_environment(written(folder, auth), lambda _: True)


PLAIN = "a secret in plaintext; write ${A_VARIABLE} instead, and export the variable"
NOTHING = "write one of basic, bearer, api_key, oauth2 and certificate"
WRONG = {
    "{}": f"5: services.shop.auth: {NOTHING}",
    "none": "5: services.shop.auth: must be a mapping; its keys are basic, bearer, "
            "api_key, oauth2, certificate; leave the key out if there is none",
    "bearer: t0ken": f"6: services.shop.auth.bearer: {PLAIN}",
    "bearer: ${NO_SUCH}": "6: the environment variable NO_SUCH is not set; export it first",
    "bearer: ${EMPTY}": "6: services.shop.auth.bearer: not a token: one word of visible ASCII, "
                        "without Bearer",
    "bearer: Bearer ${TOKEN}": "6: services.shop.auth.bearer: not a token: one word of visible "
                               "ASCII, without Bearer",
    "bearrer: ${TOKEN}": "6: unknown key 'bearrer'; did you mean bearer?",
    "basic: {username: ada}": "6: the key 'services.shop.auth.basic.password' is missing; "
                               "add it, as in password: ${PASSWORD}",
    "basic: {username: ada, password: hunter22}": f"6: services.shop.auth.basic.password: {PLAIN}",
    "basic: {username: 'a:b', password: '${SECRET}'}": "6: services.shop.auth.basic.username: "
        "a username must not contain a colon",
    "basic: {user: ada, password: '${SECRET}'}": "6: unknown key 'user'; write username",
    "basic: ${SECRET}": "6: services.shop.auth.basic: must be a mapping; its keys are "
                        "username, password",
    "api_key: {value: '${SECRET}'}": "6: services.shop.auth.api_key: an API key has one place; "
        "write either header: NAME or query: NAME",
    "api_key: {header: X-A, query: a, value: '${SECRET}'}": "6: services.shop.auth.api_key: an "
        "API key has one place; write either header: NAME or query: NAME",
    "api_key: {header: X A, value: '${SECRET}'}": "6: services.shop.auth.api_key.header: 'X A' "
        "is not the name of a header; use letters, digits and -, as in X-Request-ID",
    "api_key: {header: Content-Length, value: '${SECRET}'}": "6: services.shop.auth.api_key."
        "header: the client itself says this; leave it out",
    "api_key: {query: 'a&b', value: '${SECRET}'}": "6: services.shop.auth.api_key.query: 'a&b' is "
        "not the name of a query parameter",
    "api_key: {query: key, value: k3y}": f"6: services.shop.auth.api_key.value: {PLAIN}",
    OAUTH2.replace("${SECRET}", "hunter22"): f"9: services.shop.auth.oauth2.client_secret: "
        f"{PLAIN}",
    OAUTH2.replace("https://auth", "auth"): "7: services.shop.auth.oauth2.token_url: "
        "'auth.example/token' is not an address; write http://… or https://…",
    OAUTH2.replace("https://", "https://ada:hunter22@"): "7: services.shop.auth.oauth2.token_url: "
        "a URL must not contain a user and password; use a header",
    OAUTH2.replace("token_url", "token_uri"): "7: unknown key 'token_uri'; did you mean token_url?",
    OAUTH2.replace("client_id: ada", "client_id: 12345"): "8: services.shop.auth.oauth2.client_id:"
        " must be a text; quote it",
    f"{OAUTH2}\n        style: query": "11: services.shop.auth.oauth2.style: must be "
        "'header' or 'body'",
    f"{OAUTH2}\n      bearer: ${{TOKEN}}": "5: services.shop.auth: bearer and oauth2 exclude each "
        "other; keep one of them",
    "certificate: {file: no.pem, key: tls/server.key}": "6: services.shop.auth.certificate: there "
        "is no file no.pem",
    "certificate: {file: tls/server.pem}": "6: the key 'services.shop.auth.certificate.key' is "
        "missing",
    "certificate: {file: tls/server.pem, key: other/server.key}": "6: services.shop.auth."
        "certificate: other/server.key is not the key of the certificate in tls/server.pem",
    "certificate: {file: tls/server.key, key: tls/server.key}": "6: services.shop.auth."
        "certificate: tls/server.key holds no certificate in PEM form, or tls/server.key no key",
    "certificate: {file: tls/server.pem, key: tls/server.key, password: x1}": "6: services.shop."
        f"auth.certificate.password: {PLAIN}",
}  # fmt: skip


@pytest.mark.parametrize(("auth", "message"), WRONG.items(), ids=WRONG.keys())
def test_a_mistake_in_credentials_is_one_sentence_with_its_line(
    folder: Path, auth: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read(folder, auth)
    lines = str(error.value).replace(f"{folder}/", "").splitlines()
    assert f"staging.yaml:{message}" in lines
    assert all(re.match(r"staging\.yaml:\d+: ", line) for line in lines)
    assert "hunter22-9" not in str(error.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("    headers: {authorization: '${TOKEN}'}\n",
         "3: services.shop: auth sends Authorization itself; remove it from headers"),
        ("    metrics_auth: {}\n", f"5: services.shop.metrics_auth: {NOTHING}"),
        ("    metrics_auth: {bearer: t0ken}\n", f"5: services.shop.metrics_auth.bearer: {PLAIN}"),
        ("    metrics_auth: {bearer: '${TOKEN}'}\n    metrics_headers: {Authorization: null}\n",
         "3: services.shop: metrics_auth sends Authorization itself; remove it from "
         "metrics_headers"),
    ],
)  # fmt: skip
def test_headers_and_credentials_exclude_each_other(folder: Path, more: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(folder, "bearer: ${TOKEN}", more)
    assert str(error.value).replace(f"{folder}/", "") == f"staging.yaml:{message}"


PROMETHEUS = """environment: staging
services: {shop: {url: "https://shop.example"}}
prometheus:
  url: https://prometheus.example
  certificate: {file: tls/server.pem, key: tls/server.key}
  oauth2:
    token_url: https://auth.example/token
    client_id: ada
    client_secret: ${SECRET}
"""


def test_a_prometheus_has_a_client_and_a_certificate(folder: Path) -> None:
    path = folder / "staging.yaml"
    path.write_text(PROMETHEUS)
    environment = read_environment(path, VARIABLES)
    assert environment.prometheus
    assert environment.prometheus.credentials() == ["oauth2"]
    assert environment.prometheus.fetched.certificate
    assert "hunter22-9" in environment.secrets()
    preview_environment(path, lambda _: True)
    path.write_text(PROMETHEUS.replace("tls/server.key", "'${KEY}'"))
    preview_environment(path, lambda _: True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("${SECRET}", "hunter22", f"9: prometheus.oauth2.client_secret: {PLAIN}"),
        ("tls/server.key", "no.key", "5: prometheus.certificate: there is no file no.key"),
        ("  oauth2:", "  bearer_token: ${TOKEN}\n  oauth2:",
         "3: prometheus: bearer_token and oauth2 exclude each other; keep one of them"),
        ("client_id", "id", "8: unknown key 'id'; write client_id"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_credentials_of_prometheus_has_its_line(
    folder: Path, old: str, new: str, message: str
) -> None:
    path = folder / "staging.yaml"
    path.write_text(PROMETHEUS.replace(old, new, 1))
    with pytest.raises(ConfigError) as error:
        read_environment(path, VARIABLES)
    lines = str(error.value).replace(f"{folder}/", "").splitlines()
    assert f"staging.yaml:{message}" in lines
