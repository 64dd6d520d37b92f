from pathlib import Path

import pytest
from pydantic import ValidationError

from config.apis import Api
from config.environment import Environment, read_environment
from config.errors import ConfigError

_SHOP = "environment: test\nservices: {shop: {url: http://shop.example}}\n"


def _read(folder: Path, text: str, **variables: str) -> Environment:
    (folder / "test.yaml").write_text(_SHOP + text)
    return read_environment(folder / "test.yaml", variables)


def _mistakes(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        _read(folder, text)
    return str(error.value).replace(f"{folder}/", "")


def test_a_request_times_out_after_ten_seconds_unless_set() -> None:
    assert Api(url="http://u.example").timeout == 10.0
    assert Api.model_validate({"url": "http://u.example/", "timeout": "1m"}).timeout == 60.0


def test_credentials_and_a_header_of_the_same_name_exclude_each_other() -> None:
    settings = {
        "url": "http://u.example",
        "auth": {"bearer": "t"},
        "headers": {"authorization": "t"},
    }
    with pytest.raises(ValidationError, match="auth sends Authorization itself; remove it from"):
        Api.model_validate(settings)


def test_credentials_and_headers_of_an_api_are_secrets(tmp_path: Path) -> None:
    text = (
        'apis: {billing: {url: "http://u.example", auth: {basic: {username: ann, password: "${P}"}}'
        ', headers: {X-ClickHouse-Key: "${K}"}, probe: "/a?key=${Q}"}}'
    )
    environment = _read(tmp_path, text, P="hunter22", K="swordfish", Q="squeamish")
    assert {"hunter22", "swordfish", "squeamish"} <= set(environment.secrets())
    assert "billing" not in environment.secrets()


def test_the_name_of_an_api_is_no_secret_though_a_variable_holds_it(tmp_path: Path) -> None:
    text = 'apis: {billing: {url: "http://u.example", headers: {X-Who: "${WHO}"}}}'
    assert "billing" not in _read(tmp_path, text, WHO="billing").secrets()


def test_the_repr_of_an_api_shows_no_secret(tmp_path: Path) -> None:
    text = (
        'apis: {billing: {url: "http://u.example", auth: {bearer: "${P}"}, headers: {X-K: "${P}"}}}'
    )
    assert "hunter22" not in repr(_read(tmp_path, text, P="hunter22").apis)


def test_the_paths_of_its_files_are_relative_to_the_environments_file(tmp_path: Path) -> None:
    text = (
        "apis: {billing: {url: http://u.example, ca_file: ca.pem, "
        "auth: {certificate: {file: c.pem, key: k.pem}}}}"
    )
    mistakes = _mistakes(tmp_path, text)
    assert f"there is no file {tmp_path / 'ca.pem'}".replace(f"{tmp_path}/", "") in mistakes
    assert "there is no file c.pem" in mistakes


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("base_url: http://u.example", "unknown key 'base_url'; write url: with scheme"),
        ("url: http://u.example, token: a", "unknown key 'token'; write auth: {bearer: …}"),
        ("url: http://u.example, pick: a", "unknown key 'pick'; write it in the quantity, as in"),
        ("url: http://u.example?a=b", "a URL must not contain ? or #"),
        ("url: http://u.example, probe: meters", "'meters' is not a path"),
        ('url: http://u.example, headers: {X-A: "{{ tenant }}"}',
         "templates are evaluated in headers only"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_line_and_the_remedy(tmp_path: Path, keys: str, words: str) -> None:
    mistakes = _mistakes(tmp_path, f"apis: {{billing: {{{keys}}}}}")
    assert mistakes.startswith("test.yaml:3: ")
    assert words in mistakes


@pytest.mark.parametrize("key", ["api", "usage_api", "billing"])
def test_the_names_of_others_for_apis_are_known(tmp_path: Path, key: str) -> None:
    words = f"unknown key {key!r}; write apis: with a name for each"
    assert words in _mistakes(tmp_path, f"{key}: {{url: http://u.example}}")
