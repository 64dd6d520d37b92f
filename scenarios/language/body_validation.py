"""Validate what a step sends: one body of those it may have, its query, and what is left out."""

from collections.abc import Iterator, Mapping
from typing import Any

from config.model_keys import Location
from scenarios.language.bodies import FilePart
from scenarios.language.steps import Step
from scenarios.language.templates import looks_like_template
from scenarios.language.violations import Violation

_NEVER_LEFT_OUT = ("host",)


def find_body_violations(place: Location, step: Step) -> Iterator[Violation]:
    """Yield every violation of the query, the headers and the body of a step."""
    keys = step.body_keys
    if len(keys) > 1:
        yield (*place, keys[1]), f"a request has one body; write {' or '.join(keys)}, not both"
    if "file" in keys and step.file_body is None:
        yield (*place, "file"), "file is null; write the path of a file beside the scenario"
    if "multipart" in keys and not step.multipart:
        yield (*place, "multipart"), "a multipart form has at least one field; add one"
    for key in ("query", "form", "multipart"):
        yield from _fields(getattr(step, key), (*place, key))
    for name, value in step.headers.items():
        yield from _header(name, value, step, (*place, "headers", name))


def values_in(step: Step) -> Iterator[tuple[Location, Any]]:
    """Yield the key and the value of whatever has templates in the query and the body of a step."""
    for key in ("query", "form"):
        yield from (((key, name), value) for name, value in getattr(step, key).items())
    for name, parts in step.multipart.items():
        for part in parts:
            is_file = isinstance(part, FilePart)
            yield ("multipart", name), part.filename or "" if is_file else part
    yield ("text",), step.text


def _fields(values: Mapping[str, Any], place: Location) -> Iterator[Violation]:
    for name, value in values.items():
        if looks_like_template(name):
            yield (*place, name), f"{name!r}: templates are not evaluated in a name; write it fixed"
        if value is None:
            yield (*place, name), f"{name!r} is null; write a value, or leave {name!r} out"
        if isinstance(value, list) and any(each is None for each in value):
            yield (*place, name), f"a value of {name!r} is null; write a text, or leave it out"


def _header(name: str, value: str | None, step: Step, place: Location) -> Iterator[Violation]:
    if value is None and name.lower() in _NEVER_LEFT_OUT:
        yield place, f"HTTP/1.1 requires the header {name}; write a value, or remove the line"
    if "multipart" in step.body_keys and name.lower() == "content-type":
        yield place, f"the boundary of the form belongs into {name}; remove it"
