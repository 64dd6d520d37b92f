from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from config.requirements import matches, requires

EVEN = TypeAdapter(Annotated[int, requires(lambda number: number % 2 == 0, "{0!r} is odd")])


def test_a_value_that_meets_the_requirement_stays_as_it_is() -> None:
    assert EVEN.validate_python(4) == 4


def test_a_value_that_does_not_is_refused_with_the_message_that_quotes_it() -> None:
    with pytest.raises(ValidationError, match="Value error, 3 is odd"):
        EVEN.validate_python(3)


def test_braces_in_a_value_are_not_taken_for_fields_of_the_message() -> None:
    named = TypeAdapter(Annotated[str, requires(str.isalpha, "{0!r} is not a name")])
    with pytest.raises(ValidationError, match=r"Value error, '\{1\}' is not a name"):
        named.validate_python("{1}")


def test_a_text_is_matched_whole() -> None:
    name = TypeAdapter(Annotated[str, matches("[a-z]+", "not a name")])
    assert name.validate_python("ab") == "ab"
    with pytest.raises(ValidationError, match="Value error, not a name"):
        name.validate_python("ab\n")
