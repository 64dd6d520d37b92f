"""Pick the counts of a quantity from the JSON of a usage API, by a JMESPath expression."""

from collections.abc import Mapping, Sequence
from typing import Any

from jmespath.exceptions import JMESPathError

from scenarios.language.api_validation import VALUE
from scenarios.language.expressions import compile_expression
from scenarios.language.value_text import kind_of
from witnesses.database.values import count_of, label_value

_MAX_CHARACTERS = 100

# the values of the labels, in their order, and the count
PickedRow = list[Any]


class PickInvalid(Exception):
    """What an expression finds is no counts; the message is the rest of a sentence about it."""


def pick_rows(
    expression: str, content: Any, labels: Sequence[str], fixed: Mapping[str, str]
) -> list[PickedRow]:
    """Return a row per object that the expression finds. Raises PickInvalid.

    `fixed` are the labels whose value the request itself has.

    >>> pick_rows("data[].{kind: k, value: n}", {"data": [{"k": "tea", "n": "1.5"}]}, ["kind"], {})
    [['tea', '1.5']]
    """
    found = find_value(expression, content)
    wanted = [label for label in labels if label not in fixed]
    if found is None:
        raise PickInvalid("finds nothing; write for example (data || `[]`)[] where there may be "
                          "nothing yet")  # fmt: skip
    if not wanted and not isinstance(found, list | dict):
        found = {VALUE: found}
    rows = []
    for members in found if isinstance(found, list) else [found]:
        if not isinstance(members, dict):
            needed = ", ".join([*wanted, VALUE])
            raise PickInvalid(f"finds {kind_of(members)}, and must find objects with {needed}")
        known = {**members, **fixed}
        rows.append([*(_label(known, label) for label in labels), _count(members)])
    return rows


def find_value(expression: str, content: Any) -> Any:
    """Return what an expression finds. Raises PickInvalid where it does not fit the content."""
    try:
        return compile_expression(expression)(content)
    except JMESPathError as error:
        raise PickInvalid(f"does not fit the response: {error}") from error


def _label(members: Mapping[str, Any], label: str) -> str:
    value = members.get(label)
    if value is None:
        raise PickInvalid(f"finds an object without {label}; write {label}: EXPRESSION || '' "
                          "where it may be absent")  # fmt: skip
    if isinstance(value, list | dict):
        raise PickInvalid(f"finds {kind_of(value)} as {label}, which is no label value")
    return label_value(value)


def _count(members: Mapping[str, Any]) -> Any:
    value = members.get(VALUE)
    if value is None:
        raise PickInvalid(f"finds an object without {VALUE}")
    try:
        count_of(value)
    except ValueError:
        shown = str(value)
        is_short = isinstance(value, str) and len(shown) <= _MAX_CHARACTERS
        what = repr(shown) if is_short else kind_of(value)
        raise PickInvalid(f"finds {what} as {VALUE}, which is no count") from None
    return value
