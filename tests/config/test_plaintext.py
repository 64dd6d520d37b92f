"""Secrets in plaintext are refused by their place, their name and their shape."""

from pathlib import Path

import pytest

from config.environment import read_environment
from config.errors import ConfigError
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import GOOD

SHOP = 'environment: test\nservices: {shop: {url: "https://shop.example"}}\n'
SHAPES = {
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpM",
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a GitHub token": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "a GitLab token": "glpat-" + "1234567890abcdefghij",
    "a Slack token": "xoxb-" + "1234567890-abcdef",
    "an API key": "sk-" + "proj-abcdefghij1234567890",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
}


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
        ("apis: {b: {url: http://b.example, auth: {bearer: s3cret}}}", "apis.b.auth.bearer"),
        (
            "apis: {b: {url: http://b.example, auth: {basic: {username: me, password: s3cret}}}}",
            "apis.b.auth.basic.password",
        ),
        (
            "apis: {b: {url: http://b.example, headers: {X-ClickHouse-Key: s3cret}}}",
            "apis.b.headers.X-ClickHouse-Key",
        ),
        ("apis: {b: {url: http://b.example, probe: /a?api_key=s3cret}}", "apis.b.probe"),
        ('databases: {shop: "mysql+pymysql://me:s3cret@db/shop"}', "databases.shop"),
        ('databases: {shop: "postgresql://me@db/shop?password=s3cret"}', "databases.shop"),
        ("headers: {X-Auth: s3cret}", "headers.X-Auth"),
        ("headers: {Ocp-Apim-Subscription-Key: s3cret}", "headers.Ocp-Apim-Subscription-Key"),
        ("headers: {x-functions-key: s3cret}", "headers.x-functions-key"),
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


@pytest.mark.parametrize(("what", "text"), SHAPES.items(), ids=SHAPES)
def test_a_secret_is_refused_by_its_shape_wherever_it_stands(
    tmp_path: Path, what: str, text: str
) -> None:
    reported = mistakes(tmp_path, f"headers: {{X-Kind: 'of {text}'}}")
    assert f"test.yaml:3: headers.X-Kind: looks like {what} in plaintext; write ${{A_" in reported
    assert text not in reported


def test_random_text_is_refused_in_a_header_that_is_named_like_a_secret(tmp_path: Path) -> None:
    random = "9f8a7c6e5d4b3a291807f6e5d4c3b2a1"
    reported = mistakes(tmp_path, f"headers: {{X-Auth: '{{{{ run }}}}-{random}'}}")
    assert "headers.X-Auth: looks like a secret in plaintext" in reported
    (tmp_path / "test.yaml").write_text(
        SHOP + f"headers: {{X-Checksum: {random}, X-Auth: '{{{{ unique }}}}'}}"
    )
    assert read_environment(tmp_path / "test.yaml").headers["X-Checksum"] == random


def test_what_is_declared_public_may_be_in_plaintext(tmp_path: Path) -> None:
    text = "headers: {X-Auth-Kind: shared, X-Kind: 'xoxb-1234567890-abcdef'}\n"
    (tmp_path / "test.yaml").write_text(SHOP + text + "public: [x-auth-kind, X-Kind]")
    assert read_environment(tmp_path / "test.yaml").secrets() == ()


@pytest.mark.parametrize(("what", "text"), SHAPES.items(), ids=SHAPES)
def test_a_scenario_with_the_shape_of_a_secret_is_refused(
    tmp_path: Path, what: str, text: str
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD + f"description: 'of {text}'\n")
    with pytest.raises(ConfigError) as error:
        read_scenario(path)
    assert f"description: looks like {what} in plaintext; write ${{A_VARIABLE}} instead" in str(
        error.value
    )
    assert text not in str(error.value)
