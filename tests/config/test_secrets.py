from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.prometheus import BasicAuth, Prometheus
from config.secrets import redact

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


def test_a_secret_is_redacted_in_every_encoding_and_the_longest_first() -> None:
    secrets = ["s3 cret/", "s3 cret/more"]
    for form in ("s3 cret/more", "s3%20cret%2Fmore", "s3%20cret/more", "s3+cret%2Fmore"):
        assert redact(f"<{form}>", secrets) == "<***>"
    assert redact("nothing", ["", "x"]) == "nothing"
