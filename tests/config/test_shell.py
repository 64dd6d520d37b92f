"""Words of a command as a shell reads them."""

import subprocess

import pytest

from config.shell import command_line, quote


def _read_by_a_shell(text: str, **variables: str) -> list[str]:
    printed = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\n' {text}"],
        env=variables, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return printed.stdout.splitlines()


@pytest.mark.parametrize("word", ["plain", "two words", "it's", '"$HOME" `id` \\', "$(id)", ""])
def test_a_word_without_a_variable_is_read_as_it_is(word: str) -> None:
    assert _read_by_a_shell(quote(word)) == [word]


def test_a_variable_is_expanded_and_nothing_beside_it() -> None:
    quoted = quote('key ${TOKEN} "$HOME" `id` \\ $(id)')
    assert _read_by_a_shell(quoted, TOKEN="a b") == ['key a b "$HOME" `id` \\ $(id)']


def test_a_secret_in_a_command_is_the_variable_that_holds_it() -> None:
    variables = {"HOOK_TOKEN": "s3cr3t word", "HOOK_TOKEN_PREFIX": "s3cr3t", "HOME": "/home/ada"}
    words = ["notify", "--key=s3cr3t word", "/home/ada", "it's"]
    text = command_line(words, variables)
    assert "s3cr3t" not in text
    assert "${HOOK_TOKEN}" in text
    assert _read_by_a_shell(text, **variables) == words


@pytest.mark.parametrize(
    ("name", "value"),
    [("USER", "adalovelace"), ("PWD", "/srv/shop"), ("API_TOKEN", "short"), ("API_TOKEN", "")],
)
def test_a_value_that_is_no_secret_stands_as_it_was_typed(name: str, value: str) -> None:
    assert command_line(["run", f"x{value}"], {name: value}) == f"run x{value}"
