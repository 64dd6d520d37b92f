"""Where the key of the worker channel comes from, and where there has to be one."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.driver.worker_key import KEY, KEY_FILE, worker_key

GOOD = "0123456789abcdef"


def test_the_key_is_a_variable_or_the_content_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{GOOD}\n")
    assert worker_key("10.0.0.5", {KEY: GOOD}) == GOOD
    assert worker_key("10.0.0.5", {KEY_FILE: str(tmp_path / "key")}) == GOOD
    assert worker_key("10.0.0.5", {KEY: GOOD * 2, KEY_FILE: str(tmp_path / "none")}) == GOOD * 2


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert worker_key(host, {}) == ""


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "::", "10.0.0.5", "generator.example", ""])
@pytest.mark.parametrize("variables", [{}, {KEY: ""}, {KEY_FILE: ""}], ids=str)
def test_any_other_host_is_refused_without_a_key(host: str, variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"need a key; set {KEY}, or {KEY_FILE} to a file"):
        worker_key(host, variables)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.5"])
def test_a_short_key_is_refused_everywhere(host: str) -> None:
    with pytest.raises(ConfigError, match="the key is shorter than 16 characters"):
        worker_key(host, {KEY: GOOD[1:]})


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe\xff"], ids=str)
def test_a_file_that_holds_no_key_is_an_error_that_names_it(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"{KEY_FILE}: .*{path}"):
        worker_key("10.0.0.5", {KEY_FILE: str(path)})
