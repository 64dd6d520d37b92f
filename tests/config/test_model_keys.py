from typing import Annotated

from pydantic import BaseModel, Field

from config.model_keys import keys_at, models_at


class Leaf(BaseModel):
    size: int = 0


class Branch(BaseModel):
    leaves: list[Leaf] = []
    by_name: dict[str, Leaf] = {}
    first: Annotated[Leaf | None, Field(alias="one")] = None


def test_the_keys_of_a_model_are_its_aliases() -> None:
    assert keys_at(Branch, ()) == ["leaves", "by_name", "one"]


def test_keys_are_found_in_lists_mappings_and_unions() -> None:
    for location in (("leaves", 0), ("by_name", "any"), ("one",)):
        assert keys_at(Branch, location) == ["size"]
        assert models_at(Branch, location) == [Leaf]


def test_below_a_plain_value_there_are_no_keys() -> None:
    assert keys_at(Branch, ("leaves", 0, "size")) == []
    assert keys_at(Branch, ("unknown", 0)) == []
