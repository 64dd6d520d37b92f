"""Validate JMESPath expressions further than compiling does: functions, arguments, templates.

jmespath looks a function up only when it is called, so that a misspelt one would be found in the
first response of a run.
"""

from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import TYPES_MAP, Functions

from config.suggestions import did_you_mean
from scenarios.language.jmespath_syntax import syntax_mistake
from scenarios.language.templates import looks_like_template

_SIGNATURES: dict[str, tuple[dict[str, Any], ...]] = {
    name: entry["signature"] for name, entry in Functions.FUNCTION_TABLE.items()
}
_STEP_OF_SLICE = 2

# The types of what cannot be anything else, whatever the response holds.
_RESULT_TYPES = {
    **dict.fromkeys(("abs", "ceil", "floor", "length", "sum"), "number"),
    **dict.fromkeys(("contains", "ends_with", "starts_with"), "boolean"),
    **dict.fromkeys(("join", "to_string", "type"), "string"),
    **dict.fromkeys(("keys", "values", "map", "sort", "sort_by", "to_array"), "array"),
    "merge": "object",
}
_NODE_TYPES = {"expref": "expref", "comparator": "boolean", "not_expression": "boolean"}


def find_mistakes(expression: str) -> Iterator[str]:
    """Yield every mistake of an expression that shows without a response, as a sentence."""
    if looks_like_template(expression):
        yield (
            f"{expression!r}: templates are not evaluated in a JMESPath expression; "
            "write the template as an expected value"
        )
        return
    try:
        tree: dict[str, Any] = dict(jmespath.compile(expression).parsed)
    except JMESPathError as error:
        yield f"{expression!r} is not JMESPath: {syntax_mistake(expression, error)}"
        return
    yield from (f"{expression!r}: {mistake}" for mistake in _mistakes(tree))


def _mistakes(node: dict[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield from _call(node["value"], node["children"])
    if node["type"] == "slice":
        if node["children"][_STEP_OF_SLICE] == 0:
            yield "the step of a slice must not be 0"
        return
    for child in node["children"]:
        yield from _mistakes(child)


def _call(name: str, arguments: list[dict[str, Any]]) -> Iterator[str]:
    signature = _SIGNATURES.get(name)
    if signature is None:
        yield f"there is no function {name}(); {did_you_mean(name, sorted(_SIGNATURES))}"
        return
    is_variadic = bool(signature[-1].get("variadic"))
    if len(arguments) < len(signature) or (len(arguments) > len(signature) and not is_variadic):
        least = "at least " if is_variadic else ""
        plural = "" if len(signature) == 1 else "s"
        yield f"{name}() takes {least}{len(signature)} argument{plural}, not {len(arguments)}"
        return
    for number, argument in enumerate(arguments):
        wanted = signature[min(number, len(signature) - 1)]["types"]
        given = _type_of(argument)
        if wanted and given and not _fits(argument, given, wanted):
            yield (
                f"argument {number + 1} of {name}() is of type {given}, "
                f"and must be {' or '.join(wanted)}"
            )


def _type_of(node: dict[str, Any]) -> str:
    """Return the type of a node's value, or "" if that depends on the response."""
    if node["type"] == "function_expression":
        return _RESULT_TYPES.get(node["value"], "")
    if node["type"] != "literal":
        return _NODE_TYPES.get(node["type"], "")
    return str(TYPES_MAP[type(node["value"]).__name__])


def _fits(node: dict[str, Any], given: str, wanted: list[str]) -> bool:
    if given != "array":
        return given in wanted
    members = node["value"] if node["type"] == "literal" else []
    types = {_type_of({"type": "literal", "value": member}) for member in members}
    of_members = [each.removeprefix("array-") for each in wanted if each.startswith("array-")]
    return "array" in wanted or any(types <= {each} for each in of_members)
