"""What is a secret, and what is not."""

import base64
from pathlib import Path

import pytest

from config.auth import BasicAuth
from config.environment import Environment, read_environment
from config.prometheus import Prometheus
from config.secrets import (
    Publicity,
    Value,
    secrets_in,
    secrets_of_prometheus,
    values_of_headers,
    values_of_query,
    values_of_url,
)
from config.verbatim import TextPart

SHOP = 'environment: test\nservices: {shop: {url: "https://shop.example"}}\n'


def secrets_of(folder: Path, text: str, **variables: str) -> set[str]:
    (folder / "test.yaml").write_text(SHOP + text)
    return set(read_environment(folder / "test.yaml", variables).secrets())


def of_headers(headers: dict[str, list[TextPart]]) -> list[str]:
    return list(Publicity().secrets(values_of_headers(headers)))


def of_url(*parts: TextPart) -> set[str]:
    return set(Publicity().secrets(values_of_url(parts)))


def test_the_secrets_of_an_environment_include_neither_names_nor_tenants() -> None:
    environment = Environment.model_validate(
        {
            "environment": "test",
            "services": {"shop": {"url": "http://shop.example"}},
            "headers": {
                "Authorization": "Bearer o1e0",
                "X-Tenant-ID": "{{ tenant }}",
                "Accept": "a",
            },
            "metrics_headers": {"X-Api-Key": "two2"},
            "databases": {"shop": "postgresql://me:thr%2Fee@db/shop", "other": "sqlite:///a.db"},
        }
    ).model_copy(
        update={
            "prometheus": Prometheus(
                url="http://p.example", basic_auth=BasicAuth(username="me", password="four")
            )
        }
    )
    secrets = environment.secrets()
    assert {"o1e0", "two2", "thr%2Fee", "thr/ee", "four", "bWU6Zm91cg=="} <= set(secrets)
    assert not {"me", "a", "shop", "test", "db", "{{ tenant }}"} & set(secrets)
    assert "o1e0" not in repr(environment)
    assert "thr%" not in repr(environment)


def test_what_a_variable_holds_is_a_secret_though_it_looks_like_a_template(tmp_path: Path) -> None:
    (tmp_path / "test.yaml").write_text(
        SHOP + "headers: {Authorization: 'Bearer ${ONE}', X-Token: '{{ tenant }}:${TWO}'}\n"
        "metrics_headers: {Authorization: '${THREE}'}\n"
        "prometheus: {url: 'http://p.example', bearer_token: '${FOUR}'}\n"
        "databases: {shop: 'postgresql://me:${FIVE}@db/shop'}\n"
    )
    tokens = {name: f"{name}{{{{7*7}}}}{{#x#}}" for name in ("ONE", "TWO", "FOUR")}
    tokens |= {"THREE": "Bearer THREE{{ 1 }}", "FIVE": "FIVE{{x}}%2F"}
    environment = read_environment(tmp_path / "test.yaml", tokens)
    assert set(environment.secrets()) >= {
        tokens["ONE"], tokens["TWO"], tokens["FOUR"], "THREE{{ 1 }}", "FIVE{{x}}%2F", "FIVE{{x}}/"
    }  # fmt: skip
    assert environment.prometheus is not None
    assert environment.prometheus.bearer_token == tokens["FOUR"]
    assert environment.databases["shop"] == "postgresql://me:FIVE{{x}}%2F@db/shop"


@pytest.mark.parametrize("name", [
    "X-Auth", "Ocp-Apim-Subscription-Key", "x-functions-key", "X-Of-Our-Own", "Cookie",
])  # fmt: skip
@pytest.mark.parametrize("section", ["headers", "metrics_headers"])
def test_what_a_variable_holds_in_any_header_is_a_secret(
    tmp_path: Path, section: str, name: str
) -> None:
    text = f'{section}: {{{name}: "${{ONE}}"}}'
    assert secrets_of(tmp_path, text, ONE="hunter") == {"hunter"}


@pytest.mark.parametrize("value", ["a-b-c-1", "s3cr", "correct-horse-battery"])
def test_what_any_header_holds_in_plaintext_is_a_secret(tmp_path: Path, value: str) -> None:
    assert secrets_of(tmp_path, f'headers: {{X-Of-Our-Own: "{value}"}}') == {value}


@pytest.mark.parametrize("header", [
    "Accept: application/vnd.shop.v7+json", "Content-Type: text/plain; charset=utf-8",
    "User-Agent: load-test/7.1", "X-Of-Our-Own: 'true'", "X-Of-Our-Own: '*/*'",
    "X-Of-Our-Own: abc", "X-Of-Our-Own: gold", "X-Of-Our-Own: GOLD", "X-Of-Our-Own: '2024-10-01'",
    "X-Of-Our-Own: v1.2.3", "X-Of-Our-Own: '12345'", "X-Of-Our-Own: application/json",
    "X-Scope-OrgID: tenant-7", "X-Tenant-ID: tenant-7", "If-None-Match: abc-1-2-3",
])  # fmt: skip
def test_what_describes_a_message_and_what_anybody_writes_is_no_secret(
    tmp_path: Path, header: str
) -> None:
    assert secrets_of(tmp_path, f"headers: {{{header}}}") == set()


@pytest.mark.parametrize("value", ["abc", "true", "None", "application/json"])
def test_a_value_that_is_too_short_or_generic_is_no_secret_even_from_a_variable(
    tmp_path: Path, value: str
) -> None:
    assert secrets_of(tmp_path, "headers: {X-Of-Our-Own: '${ONE}'}", ONE=value) == set()


@pytest.mark.parametrize("declared", ["X-Of-Our-Own", "x-of-our-own", "ONE"])
def test_a_value_is_public_if_its_header_or_variable_is_declared_public(
    tmp_path: Path, declared: str
) -> None:
    text = "headers: {X-Of-Our-Own: '${ONE}', X-Other: '${TWO}'}\n"
    values = {"ONE": "blue-1", "TWO": "green-1"}
    assert secrets_of(tmp_path, text, **values) == {"blue-1", "green-1"}
    assert secrets_of(tmp_path, f"{text}public: [{declared}]", **values) == {"green-1"}


def test_addresses_names_and_limits_are_no_secrets_though_variables_hold_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(
        "environment: '${NAME}'\ntenant: '${TENANT}'\nconnect_to: '${ROUTE}'\n"
        "services: {shop: {url: '${URL}', metrics: '${METRICS}', job: '${JOB}'}}\n"
        "databases: {shop: 'postgresql://${HOST}:${PORT}/${BASE}'}\n"
        "prometheus: {url: 'http://${HOST}:${PORT}', timeout: '${TIMEOUT}'}\n"
        "load: {allowed: true, max_rate: '${RATE}'}\n"
    )
    values = {
        "NAME": "staging-7", "TENANT": "acme-7", "ROUTE": "shop.example=10.0.0.7:8443",
        "URL": "https://shop.example/base-7", "METRICS": "http://a:1/metrics http://b:1/metrics",
        "JOB": "shop-7", "HOST": "db-7.example", "PORT": "54321", "BASE": "orders",
        "TIMEOUT": "5s", "RATE": "10/s",
    }  # fmt: skip
    assert read_environment(path, values).secrets() == ()


def test_a_name_of_the_environment_is_in_plain_sight(tmp_path: Path) -> None:
    """Otherwise a password like that of many a test database would hide every metric of it."""
    text = "databases: {orders: 'postgresql://shop:${ONE}@db/orders'}"
    assert "shop" not in secrets_of(tmp_path, text, ONE="shop")


@pytest.mark.parametrize(("url", "secret"), [
    ("https://shop.example/metrics?token=s3cret-1", "s3cret-1"),
    ("https://shop.example/metrics?plan=s3cret-1", "s3cret-1"),
    ("postgresql://me@db/shop?password=hunter", "hunter"),
    ("postgresql://me:hunter@db/shop", "hunter"),
    ("mysql+pymysql://me:hunter@db/shop", "hunter"),
    ("mariadb://me@db/shop?password=hunter", "hunter"),
    ("postgresql://me:hun%2Fter@db/shop", "hun/ter"),
    ("postgresql://some-body-7:hunter@db/shop", "some-body-7"),
    ("https://shop.example/?sig=a%2Bb-1", "a+b-1"),
])  # fmt: skip
def test_user_password_and_query_of_an_address_are_secrets(url: str, secret: str) -> None:
    assert secret in of_url(TextPart(url, is_verbatim=True, variable="ONE"))


def test_the_credentials_of_an_address_are_secret_in_their_encoded_form() -> None:
    encoded = base64.b64encode(b"me:hun/ter").decode()
    assert encoded in of_url(TextPart("http://me:hun%2Fter@shop.example/"))


def test_the_parameters_of_a_connection_are_no_secrets() -> None:
    url = "postgresql://me@db/shop?sslmode=verify-full&application_name=load-1&connect_timeout=10"
    assert of_url(TextPart(url)) == set()
    url = "mysql://me@db/shop?ssl-mode=VERIFY_CA&ssl_ca=/etc/ca-1.pem&charset=utf8mb4-1"
    assert of_url(TextPart(url)) == set()


@pytest.mark.parametrize(("before", "after", "is_secret"), [
    ("https://shop.example/hooks/", "/run", True),
    ("https://shop.example/metrics?key=", "", True),
    ("/probe/", "?a=1", True),
    ("postgresql://me:", "@db/shop", True),
    ("https://", ".example/metrics", False),
    ("", "/metrics", False),
])  # fmt: skip
def test_a_variable_within_an_address_is_secret_but_for_scheme_host_and_port(
    before: str, after: str, is_secret: bool
) -> None:
    parts = TextPart(before), TextPart("s3cret-7", True, "ONE"), TextPart(after)
    assert ("s3cret-7" in of_url(*parts)) == is_secret


def test_a_query_parameter_named_like_a_secret_may_be_a_word() -> None:
    values = values_of_query("password=hunter&plan=gold&token={{ token }}&sslmode=require")
    assert Publicity().secrets(values) == ("hunter",)


def test_basic_credentials_in_a_header_are_secret_in_every_part() -> None:
    encoded = base64.b64encode(b"some-body-7:hunter").decode()
    secrets = of_headers({"Authorization": [TextPart(f"Basic {encoded}", True, "ONE")]})
    assert set(secrets) == {encoded, "some-body-7", "hunter", "some-body-7:hunter"}


def test_the_values_of_a_cookie_are_secrets_each() -> None:
    secrets = of_headers({"Cookie": [TextPart("session=abc-def-1; theme=dark", True, "ONE")]})
    assert "abc-def-1" in secrets
    assert "dark" not in secrets


def test_a_value_in_plain_sight_is_no_secret() -> None:
    publicity = Publicity.of((), ["cards_created_total", 'kind="Gold-7"'])
    values = [Value("cards", ()), Value("gold-7", ()), Value("silver-7", ())]
    assert publicity.secrets(values) == ("silver-7",)


@pytest.mark.parametrize(("value", "secrets"), [("tenant7", ["tenant7"]), ("abc", [])])
def test_a_header_for_prometheus_is_a_secret_unless_it_selects_a_tenant(
    value: str, secrets: list[str]
) -> None:
    headers = {"X-Key": value, "X-Scope-OrgID": "tenant9"}
    settings = Prometheus(url="http://p.example", headers=headers)
    assert list(secrets_of_prometheus(settings)) == secrets


@pytest.mark.parametrize("scheme", ["Bearer", "basic", "Token", "ApiKey"])
def test_a_secret_is_what_follows_the_scheme_and_no_further_word(scheme: str) -> None:
    headers = {"Authorization": [TextPart(f"{scheme} token s3cret")]}
    assert of_headers(headers) == ["token s3cret", "s3cret"]


def test_a_header_with_a_template_has_only_what_came_from_variables_as_secret() -> None:
    template, variable = TextPart("{{ token }}:"), TextPart("s3cret", True)
    assert of_headers({"X-Token": [template, variable]}) == ["s3cret"]
    assert of_headers({"X-Token": [template, TextPart("", True)]}) == []
    assert of_headers({"X-Kind": [variable]}) == ["s3cret"]


def test_a_database_url_that_cannot_be_read_is_secret_as_a_whole() -> None:
    url = "postgresql://me:s3cret@[db/shop"
    assert of_url(TextPart(url)) == {url}


def test_the_texts_of_a_saved_value_are_secrets_unless_too_short() -> None:
    assert list(secrets_in("hunter")) == ["hunter"]
    assert list(secrets_in({"a": ["hunter", 7, "abc"], "b": None})) == ["hunter"]
