from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.prometheus import BasicAuth, Prometheus
from config.secrets import secrets_of_databases, secrets_of_headers, secrets_of_prometheus
from config.verbatim import TextPart

SHOP = 'environment: test\nservices: {shop: {url: "https://shop.example"}}\n'


def mistakes(folder: Path, text: str) -> str:
    (folder / "test.yaml").write_text(SHOP + text)
    with pytest.raises(ConfigError) as error:
        read_environment(folder / "test.yaml", {"WHO": "me"})
    return str(error.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('headers: {Authorization: "Bearer s3cret"}', "headers.Authorization"),
        ("headers: {x-api-key: s3cret}", "headers.x-api-key"),
        ("headers: {Cookie: session=s3cret}", "headers.Cookie"),
        ("metrics_headers: {Authorization: s3cret}", "metrics_headers.Authorization"),
        ('prometheus: {url: "http://p.example", bearer_token: s3cret}', "prometheus.bearer_token"),
        (
            'prometheus: {url: "http://p.example", basic_auth: {username: me, password: s3cret}}',
            "prometheus.basic_auth.password",
        ),
        (
            'prometheus: {url: "http://p.example", headers: {X-Token: s3cret}}',
            "prometheus.headers.X-Token",
        ),
        ('databases: {shop: "postgresql://me:s3cret@db/shop"}', "databases.shop"),
    ],
)
def test_a_secret_in_plaintext_is_refused_without_quoting_it(
    tmp_path: Path, text: str, where: str
) -> None:
    assert mistakes(tmp_path, text) == (
        f"test.yaml:3: {where}: a secret in plaintext; "
        "write ${A_VARIABLE} instead, and export the variable"
    )


@pytest.mark.parametrize("value", ["0123456701", "1.10", "1e5", "12345678", "YES"])
def test_a_secret_that_yaml_reads_as_a_number_is_not_quoted(tmp_path: Path, value: str) -> None:
    text = f"headers: {{X-Token: {value}}}\nmetrics_headers: {{X-Api-Key: {value}}}"
    reported = mistakes(tmp_path, text)
    for line, where in (("3", "headers.X-Token"), ("4", "metrics_headers.X-Api-Key")):
        assert f"test.yaml:{line}: {where}: a secret in plaintext" in reported
    assert value not in reported


def test_values_that_are_not_secret_may_be_in_plaintext(tmp_path: Path) -> None:
    text = (
        'headers: {X-Tenant-ID: "{{ tenant }}", Accept: text/plain, Authorization: "${WHO}"}\n'
        'databases: {a: "sqlite:///a.db", b: "postgresql://me@db/b", c: "postgresql://${WHO}@db"}\n'
    )
    (tmp_path / "test.yaml").write_text(SHOP + text)
    assert read_environment(tmp_path / "test.yaml", {"WHO": "me"}).databases["a"]


def test_the_secrets_of_an_environment_include_neither_names_nor_tenants() -> None:
    environment = Environment.model_validate(
        {
            "environment": "test",
            "services": {"shop": {"url": "http://shop.example"}},
            "headers": {
                "Authorization": "Bearer o1e",
                "X-Tenant-ID": "{{ tenant }}",
                "Accept": "a",
            },
            "metrics_headers": {"X-Api-Key": "two"},
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
    assert set(secrets) == {"o1e", "two", "thr%2Fee", "thr/ee", "four", "bWU6Zm91cg=="}
    assert "o1e" not in repr(environment)
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


@pytest.mark.parametrize(("value", "secrets"), [("tenant7", []), ("s3cret-8", ["s3cret-8"])])
def test_a_header_for_prometheus_is_a_secret_from_eight_characters_on(
    value: str, secrets: list[str]
) -> None:
    settings = Prometheus(url="http://p.example", headers={"X-Scope-OrgID": value})
    assert list(secrets_of_prometheus(settings)) == secrets


@pytest.mark.parametrize("scheme", ["Bearer", "basic", "Token", "ApiKey"])
def test_a_secret_is_what_follows_the_scheme_and_no_further_word(scheme: str) -> None:
    headers = {"Authorization": [TextPart(f"{scheme} token s3cret", is_verbatim=False)]}
    assert list(secrets_of_headers(headers)) == ["token s3cret"]


def test_a_header_with_a_template_has_only_what_came_from_variables_as_secret() -> None:
    template, variable = TextPart("{{ token }}:", False), TextPart("s3cret", True)
    assert list(secrets_of_headers({"X-Token": [template, variable]})) == ["s3cret"]
    assert list(secrets_of_headers({"X-Token": [template, TextPart("", True)]})) == []
    assert list(secrets_of_headers({"X-Kind": [variable]})) == []


def test_a_database_url_that_cannot_be_read_is_secret_as_a_whole() -> None:
    assert set(secrets_of_databases(["postgresql://me:s3cret@[db/shop"])) == {
        "postgresql://me:s3cret@[db/shop"
    }
