import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.identifiers import slug


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Execute workflow", "execute-workflow"),
        ("a b", "a-b"),
        ("a-b", "a-b"),
        ("a  --  b", "a-b"),
        ("a_b", "a_b"),
        ("v1.2", "v1.2"),
        ("(draft)", "draft"),
        ("GET /cards/{id}", "get-cards-id"),
        ("Über", "über"),
        ("!!!", ""),
    ],
)
def test_a_slug_has_lower_case_words_and_single_hyphens(text: str, expected: str) -> None:
    assert slug(text) == expected


@given(st.text())
def test_a_slug_has_no_space_and_no_hyphen_at_either_end(text: str) -> None:
    made = slug(text)
    assert made == made.strip("-")
    assert not any(character.isspace() or character == "/" for character in made)
