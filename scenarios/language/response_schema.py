"""Compile the JSON Schema of a response: written in the scenario, or in a file beside it.

`orders.json` is a whole file, `openapi.yaml#/components/schemas/Order` a part of one. A schema may
refer to other parts of its own file. Nothing is fetched.
"""

import json
from collections.abc import Callable
from typing import Any

import yaml

from config.extras import SCHEMA, missing_packages
from config.suggestions import did_you_mean
from scenarios.language.schema_recursion import alternatives_of, levels_of

_DOCUMENT = "urn:document"
_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
_MAX_NODES = 1_000_000
_MAX_YAML_BYTES = 2_000_000  # are read in half a minute
# Of patterns with lookaround or references: each step may compare a text of 10 MB.
_BACKTRACKS = 20_000

_MAX_TRIED = 10_000  # alternatives, each of which takes 0.1 ms

# "" where a value fits the schema, or the first mistake
SchemaCheck = Callable[[Any], str]


class SchemaError(ValueError):
    """A schema that cannot be used; the text is a sentence."""


def compile_schema(schema: bool | dict[str, Any]) -> SchemaCheck:
    """Compile a schema that a scenario has. Raises SchemaError."""
    _require_library()
    import jsonschema_rs

    return _compiled(schema, jsonschema_rs.validator_cls_for(schema), None, schema, "")


def split_reference(reference: str) -> tuple[str, str]:
    """Split a reference into the name of a file and a JSON pointer.

    >>> split_reference("openapi.yaml#/components/schemas/Order")
    ('openapi.yaml', '/components/schemas/Order')
    """
    name, _, pointer = reference.partition("#")
    return name, pointer


def compile_reference(reference: str, content: bytes) -> SchemaCheck:
    """Compile a schema in a file of this content. Raises SchemaError."""
    _require_library()
    import jsonschema_rs

    name, pointer = split_reference(reference)
    document = _parsed(name, content)
    is_old = isinstance(document, dict) and (
        str(document.get("openapi", "")).startswith("3.0") or "swagger" in document
    )
    _require(document, pointer, name)
    # OpenAPI 3.0 and before: draft 4, and null is allowed by a keyword of its own
    try:
        document = _plain(document, [_MAX_NODES], with_null=is_old)
    except RecursionError:
        raise SchemaError(f"the file {name!r} is nested too deep, or contains itself") from None
    kind = jsonschema_rs.Draft4Validator if is_old else jsonschema_rs.validator_cls_for(document)
    draft = jsonschema_rs.Draft4 if is_old else None
    try:
        registry = jsonschema_rs.Registry([(_DOCUMENT, document)], draft=draft)
    except ValueError as error:
        raise _unusable(document, error) from error
    return _compiled({"$ref": f"{_DOCUMENT}#{pointer}"}, kind, registry, document, pointer)


def _require_library() -> None:
    if missing := missing_packages(SCHEMA):
        raise SchemaError(f"a schema cannot be compared with: {missing}")


def _compiled(
    schema: Any, kind: Any, registry: Any, document: Any, pointer: str
) -> SchemaCheck:  # fmt: skip
    """Compile a schema, which is all or a part of a document."""
    import jsonschema_rs

    patterns = jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS)
    try:
        validator = kind(
            schema, registry=registry, offline=True, validate_formats=False,
            pattern_options=patterns,
        )  # fmt: skip
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise _unusable(document, error) from error

    alternatives = alternatives_of(document, pointer)

    def check(value: Any) -> str:
        if validator.is_valid(value):
            return ""
        levels = levels_of(value) if alternatives > 1 else 0
        if alternatives**levels > _MAX_TRIED:
            return (f"$: it does not fit the schema, whose alternatives refer to themselves; "
                    f"the place is not searched for in {levels} levels")  # fmt: skip
        try:
            validator.validate(value)  # up to the first mistake: a response may have 500,000
        except jsonschema_rs.ValidationError as error:
            parts = (f"[{part}]" if isinstance(part, int) else f".{part}"
                     for part in error.instance_path)  # fmt: skip
            return f"${''.join(parts)}: {error.message}"
        return ""

    return check


def _unusable(document: Any, error: Exception) -> SchemaError:
    """Explain why a schema cannot be used, and where; an unknown type comes with a suggestion."""
    message = getattr(error, "message", str(error)).split(" and retrieving it failed")[0]
    path = getattr(error, "instance_path", [])
    value = document
    for part in path:
        value = value[part]
    if path[-1:] == ["type"] and isinstance(value, str):
        message = f"{value!r} is no type; {did_you_mean(value, _TYPES)}"
    where = f"at {'.'.join(map(str, path))}, " if path else ""
    return SchemaError(f"the schema cannot be used: {where}{message}")


def _parsed(name: str, content: bytes) -> Any:
    if not name.endswith(".json") and len(content) > _MAX_YAML_BYTES:
        raise SchemaError(f"{name!r} has over {_MAX_YAML_BYTES:,} bytes of YAML; make it JSON")
    try:
        return json.loads(content) if name.endswith(".json") else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0]
        raise SchemaError(f"the file {name!r} is neither YAML nor JSON: {first}") from error


def _require(document: Any, pointer: str, name: str) -> None:
    """Refuse a pointer that leads nowhere."""
    at = ""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        known = [str(each) for each in document] if isinstance(document, dict) else []
        if key not in known:
            where = f"{name}#{at}" if at else name
            raise SchemaError(f"{where} has no {key!r}; {did_you_mean(key, known)}")
        document = {str(each): value for each, value in document.items()}[key]
        at += f"/{part}"
    if not isinstance(document, dict | bool):
        raise SchemaError(f"{name}#{pointer} is not a schema; name a mapping")


def _plain(value: Any, nodes_left: list[int], *, with_null: bool) -> Any:
    """Return a document as JSON has it: keys are texts, and dates are texts."""
    nodes_left[0] -= 1
    if nodes_left[0] < 0:
        raise SchemaError(f"the file has over {_MAX_NODES:,} values; name a smaller one")
    if isinstance(value, list):
        return [_plain(each, nodes_left, with_null=with_null) for each in value]
    if not isinstance(value, dict):
        return value if isinstance(value, str | int | float | None) else str(value)
    plain = {
        str(key): _plain(member, nodes_left, with_null=with_null) for key, member in value.items()
    }
    if with_null and plain.get("nullable") is True:
        return {"anyOf": [{"enum": [None]}, plain]}
    return plain
