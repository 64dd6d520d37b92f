"""Is no secret told, and none taken that stands openly in a file?"""

from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.prometheus import BasicAuth, Prometheus
from config.secrets import blot_out

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
def test_a_secret_in_the_file_is_a_mistake_that_does_not_tell_it(
    tmp_path: Path, text: str, where: str
) -> None:
    told = mistakes(tmp_path, text)
    assert told == (
        f"test.yaml:3: {where}: a secret stands in the file; "
        "write ${A_VARIABLE} for it, and export that"
    )


def test_what_is_no_secret_may_stand_in_the_file(tmp_path: Path) -> None:
    text = (
        'headers: {X-Tenant-ID: "{{ tenant }}", Accept: text/plain, Authorization: "${WHO}"}\n'
        'databases: {a: "sqlite:///a.db", b: "postgresql://me@db/b", c: "postgresql://${WHO}@db"}\n'
    )
    (tmp_path / "test.yaml").write_text(SHOP + text)
    assert read_environment(tmp_path / "test.yaml", {"WHO": "me"}).databases["a"]


def test_every_secret_of_an_environment_is_known_and_no_name_or_tenant() -> None:
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


def test_a_secret_is_blotted_out_however_it_is_quoted_and_the_longest_first() -> None:
    secrets = ["s3 cret/", "s3 cret/more"]
    for form in ("s3 cret/more", "s3%20cret%2Fmore", "s3%20cret/more", "s3+cret%2Fmore"):
        assert blot_out(f"<{form}>", secrets) == "<***>"
    assert blot_out("nothing", ["", "x"]) == "nothing"
