import json
from typing import Any

import pytest

from scenarios.language.response_schema import SchemaError, compile_reference, compile_schema


def test_a_schema_in_a_file_may_refer_to_other_parts_of_it() -> None:
    document = {"a": {"$ref": "#/b~1c"}, "b/c": {"type": "string"}, "type": "number"}
    check = compile_reference("a.json#/a", json.dumps(document).encode())
    assert check("text") == ""
    assert check(1) == '$: 1 is not of type "string"'


def test_the_draft_is_that_of_the_schema() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#",
           "minimum": 0, "exclusiveMinimum": True}  # fmt: skip
    assert compile_schema(old)(0) != ""
    assert compile_reference("a.json", json.dumps(old).encode())(0) != ""
    with pytest.raises(SchemaError):
        compile_schema({"minimum": 0, "exclusiveMinimum": True})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: [", "neither YAML nor JSON"),
        (b"a: 5", "a.yaml#/a is not a schema; name a mapping"),
        (b"a: {$ref: other.yaml}", "the schema cannot be used"),
        (b"a: {$ref: 'file:///etc/passwd'}", "the schema cannot be used"),
        (b"a: {pattern: '('}", "the schema cannot be used"),
        (b"x: &x [1,1,1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x,*x,*x,*x]\n"
         b"z: &z [*y,*y,*y,*y,*y,*y,*y,*y,*y,*y]\nw: &w [*z,*z,*z,*z,*z,*z,*z,*z,*z,*z]\n"
         b"v: &v [*w,*w,*w,*w,*w,*w,*w,*w,*w,*w]\nu: &u [*v,*v,*v,*v,*v,*v,*v,*v,*v,*v]\na: {}",
         "over 1,000,000 values"),
        (b"a: &a {allOf: [*a]}", "nested too deep, or contains itself"),
        (b"a: {allOf: &b [*b]}", "nested too deep, or contains itself"),
        (b"a: {not: " + b"[" * 5_000 + b"]" * 5_000 + b"}", "neither YAML nor JSON"),
        (b"a: {const: x}\n" + b"#" * 2_000_000, "over 2,000,000 bytes of YAML; make it JSON"),
        (b"a: {$ref: 'http://127.0.0.1:1/x'}", "the schema cannot be used"),
        (b"a: {$id: 'http://127.0.0.1:1/x', $ref: y}", "the schema cannot be used"),
        (b"$schema: 'http://127.0.0.1:1/x'\na: {}", "the schema cannot be used"),
        (b"a: !!python/object/apply:os.abort []", "neither YAML nor JSON"),
    ],
)  # fmt: skip
def test_a_file_that_has_no_usable_schema_is_an_error(content: bytes, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        compile_reference("a.yaml#/a", content)


def test_a_pattern_of_a_schema_takes_no_exponential_time() -> None:
    assert "does not match" in compile_schema({"pattern": "^(a*)*b$"})("a" * 10_000)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": r"^(a+)+\1(?=b)$"}, "a" * 1_000_000),
        ({"items": {"anyOf": [{"type": "string"}, {"type": "object"}]}}, [0] * 490_000),
        ({"propertyNames": {"maxLength": 3}}, {f"name {n}": n for n in range(200_000)}),
        ({"items": {"required": ["a"]}}, [{}] * 240_000),
    ],
)
@pytest.mark.timeout(60)
def test_a_response_with_very_many_mistakes_is_checked_up_to_the_first(
    schema: dict[str, Any], value: Any
) -> None:
    assert compile_schema(schema)(value)


@pytest.mark.parametrize(
    "schema",
    [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"not": {"$ref": "#"}}, {"anyOf": [{"$ref": "#"}]}],
)
def test_a_schema_that_refers_to_itself_ends(schema: dict[str, Any]) -> None:
    assert isinstance(compile_schema(schema)({}), str)


NODE = {"properties": {"c": {"$ref": "#"}}, "required": ["c"]}
TWICE = {"anyOf": [NODE, {**NODE, "type": "object"}]}


def nested(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"c": leaf}
    return leaf


@pytest.mark.parametrize(
    "schema",
    [
        TWICE,
        {"oneOf": [NODE, {"properties": {"c": {"$ref": "#"}}, "minProperties": 9}]},
        {"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [{"$ref": "#/$defs/a"}] * 2},
                                        "a": {"properties": {"c": {"$ref": "#/$defs/n"}},
                                              "required": ["c"]}}},
    ],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_alternatives_that_refer_to_themselves_take_no_exponential_time(schema: Any) -> None:
    check = compile_schema(schema)
    assert check(nested(90, {})) == (
        "$: it does not fit the schema, whose alternatives refer to themselves; "
        "the place is not searched for in 91 levels"
    )
    assert "is not valid under any of the schemas" in check(nested(5, {}))
    assert compile_schema(TWICE)(nested(90, 1)) == ""


def test_the_place_is_found_in_a_deep_response_of_a_schema_with_one_way_back() -> None:
    either = {"anyOf": [{"type": "integer"}, {"$ref": "#"}]}
    tree = {"type": "object", "properties": {"c": either}}
    assert compile_schema(tree)(nested(50, "x")).startswith("$.c: ")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/schema", "file:///etc/passwd", "other.json"]
)
def test_no_schema_is_fetched_from_elsewhere(address: str) -> None:
    with pytest.raises(SchemaError, match="cannot be used"):
        compile_schema({"$ref": address})


@pytest.mark.parametrize(
    "content",
    [b'{"a":' * 900 + b"1" + b"}" * 900, b'{"const": "\\ud800"}', b'{"$ref": "http://a/x"}'],
)
def test_a_json_file_that_cannot_be_a_schema_is_an_error(content: bytes) -> None:
    with pytest.raises(SchemaError):
        compile_reference("a.json", content)
