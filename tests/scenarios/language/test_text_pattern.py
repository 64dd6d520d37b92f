from contextlib import suppress

import pytest

from scenarios.language.text_pattern import PatternTooSlow, TextPattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("id=([0-9]+)", "a id=7 id=8", "7"),
        ("id=[0-9]+", "a id=7", "id=7"),
        ("id=([0-9]*)", "id=", ""),
        ("(a)?b", "b", ""),
        ("(?i)ID=(.)", "id=x", "x"),
        ("id=(.)", "none", None),
    ],
)
def test_the_group_of_the_first_match_is_found(pattern: str, text: str, found: str | None) -> None:
    assert TextPattern(pattern).find(text) == found


def test_only_the_first_million_characters_are_searched() -> None:
    assert TextPattern("x").find("a" * 999_999 + "x") == "x"
    assert TextPattern("x").find("a" * 1_000_000 + "x") is None


@pytest.mark.core
@pytest.mark.long
def test_a_pattern_that_takes_exponential_time_ends() -> None:
    # the package sometimes finds out without trying everything
    with suppress(PatternTooSlow):
        assert TextPattern("(a+a+)+b").find("a" * 1000) is None


def test_a_text_that_is_no_pattern_is_an_error() -> None:
    with pytest.raises(ValueError, match="is not a regular expression"):
        TextPattern("(")
