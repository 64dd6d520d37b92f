"""Validate what a step expects of headers, of a text, and of the schema of a body."""

from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.bodies import is_file_path
from scenarios.language.expect import Expect, TextMatch
from scenarios.language.response_schema import SchemaError, compile_schema, split_reference
from scenarios.language.templates import looks_like_template
from scenarios.language.violations import Violation


def find_expect_violations(place: Location, expect: Expect) -> Iterator[Violation]:
    """Yield every violation of what a response must have, without those of templates."""
    for key_place, match in _matches(expect):
        if match.matches is not None and looks_like_template(match.matches):
            yield (
                (*place, *key_place, "matches"),
                "templates are not evaluated in a pattern; write contains: or equals:",
            )
    schema = expect.body_schema
    if isinstance(schema, str) and not is_file_path(split_reference(schema)[0]):
        yield (
            (*place, "schema"),
            f"{schema!r} names no file beside the scenario; write file.yaml, or a part of it as "
            "file.yaml#/components/schemas/Name",
        )
    elif isinstance(schema, dict | bool):
        try:
            compile_schema(schema)
        except SchemaError as error:
            yield (*place, "schema"), str(error)


def texts_in_expect(expect: Expect) -> Iterator[tuple[Location, str]]:
    """Yield the place and the text of each template in what is expected beside JSON."""
    for place, match in _matches(expect):
        yield from ((place, text) for text in (match.equals, match.contains) if text is not None)


def _matches(expect: Expect) -> Iterator[tuple[Location, TextMatch]]:
    for name, match in expect.headers.items():
        if match is not None:
            yield ("headers", name), match
    if expect.text is not None:
        yield ("text",), expect.text
