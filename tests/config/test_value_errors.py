"""Tests of the sentences about wrong values: one each, without pydantic's names of types."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from config.documents import read_document
from config.errors import ConfigError
from config.models import StrictModel, read_model


class Part(StrictModel):
    name: str
    size: int = 1


class Order(StrictModel):
    part: Part | None = None
    parts: Literal["none"] | list[Part] = "none"
    tags: Annotated[list[str], Field(min_length=2, max_length=3)] = ["a", "b"]
    notes: dict[str, str] = {}
    paid: bool = False
    weight: float = 1.0
    kind: Literal["gift", "own"] = "own"


def mistakes_in(folder: Path, text: str) -> list[str]:
    path = folder / "o.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_model(read_document(path), Order)
    return [problem.message for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("part: bolt", "part: must be a mapping; its keys are name, size"),
        (
            "part: [bolt]",
            "part: must be a mapping; its keys are name, size; remove the dashes or brackets",
        ),
        ("part: {name: 7}", "part.name: must be a text; quote it"),
        ("part: {name: a, size: 30%}", "part.size: must be a whole number, such as 3"),
        ("part: {name: a, size: 1.5}", "part.size: must be a whole number, such as 3"),
        ("tags: a", "tags: must be a list, as in [a, b]"),
        ("tags: {a: b}", "tags: must be a list; begin each of its entries with a dash"),
        ("tags: [a]", "tags: must have at least 2 items, and has 1"),
        ("tags: [a, b, c, d]", "tags: must have at most 3 items, and has 4"),
        (
            "notes: [a]",
            "notes: must be a mapping, as in {name: value}; remove the dashes or brackets",
        ),
        ("paid: maybe", "paid: must be true or false"),
        ("weight: heavy", "weight: must be a number, such as 1.5"),
        ("kind: gifts", "kind: must be 'gift' or 'own'; did you mean gift?"),
        ("kind: other", "kind: must be 'gift' or 'own'"),
        ("kind: [own]", "kind: must be 'gift' or 'own'; did you mean own?"),
        ("parts: nothing", "parts: write none to declare that there is none"),
        (
            "parts: {name: a}",
            "parts: must be a list; begin each of its entries with a dash, or 'none'",
        ),
        ("part:\npaid: yes", "paid: yes is read as true; quote it: 'yes', or write true"),
        (
            "notes:",
            "notes: is empty; it must be a mapping, as in {name: value}, indented below its key",
        ),
        ("part: {name: }", "part.name: is empty; write a text, quoted if it begins with #"),
        (
            "part: {name: {a: b}}",
            "part.name: must be a text, and is a mapping; quote it if it begins with { or [",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_one_sentence_that_says_what_to_write(
    tmp_path: Path, text: str, sentence: str
) -> None:
    assert mistakes_in(tmp_path, text) == [sentence]


def test_a_misspelt_key_is_not_reported_as_missing_too(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path, "part: {nam: a}") == ["unknown key 'nam'; did you mean name?"]


def test_a_key_that_is_missing_beside_a_misspelt_one_is_reported(tmp_path: Path) -> None:
    expected = ["the key 'part.name' is missing", "unknown key 'siez'; did you mean size?"]
    assert mistakes_in(tmp_path, "part: {siez: 2}") == expected


def test_a_list_that_is_wrong_inside_is_not_asked_to_be_a_word(tmp_path: Path) -> None:
    text = "parts: [{name: a}, {name: 7}]"
    sentence = "parts.1.name: must be a text; quote it"
    assert mistakes_in(tmp_path, text) == [sentence]
