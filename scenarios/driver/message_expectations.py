"""What a step expects and saves of a response beside its JSON: headers, cookies and text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from scenarios.http.messages import Response
from scenarios.http.response_parts import body_text, header_text, set_cookie_value
from scenarios.language.expect import Capture, Expect, TextMatch
from scenarios.language.templates import Template, Variables, compile_text
from scenarios.language.text_pattern import TextPattern

T = TypeVar("T")

_LOCATIONS = ("location", "content-location")

# What does not fit, and what that has in common with others.
Mismatch = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CompiledMatch:
    """What a text must be, contain and match."""

    equals: Template | None
    contains: Template | None
    pattern: TextPattern | None

    def mismatch(self, what: str, found: str, variables: Variables) -> Mismatch | None:
        """Return what is wrong with a text. Raises TemplateError and PatternTooSlow."""
        if self.equals and found != (expected := self.equals(variables)):
            text = f"{what} is {_quoted(found)}, expected {_quoted(expected)}"
            return text, f"{what} is not as expected"
        if self.contains and (part := self.contains(variables)) not in found:
            return f"{what} does not contain {_quoted(part)}", f"{what} is not as expected"
        if self.pattern and self.pattern.find(found) is None:
            return (f"{what} does not match {self.pattern.pattern!r}",) * 2
        return None


@dataclass(frozen=True, slots=True)
class SavedPart:
    """A value that is saved: the name of its variable, what is missing without it, how it is read.

    `read` may raise PatternTooSlow.
    """

    name: str
    missing: str
    read: Callable[[Response], Any]


@dataclass(frozen=True, slots=True)
class MessageExpectations:
    """The headers and the text that are expected, and what is saved of them."""

    headers: tuple[tuple[str, CompiledMatch | None], ...]
    text: CompiledMatch | None
    saved: tuple[SavedPart, ...]

    def mismatch(self, response: Response, variables: Variables) -> Mismatch | None:
        """Return what is first wrong with a response. Raises TemplateError and PatternTooSlow."""
        for name, match in self.headers:
            what, found = f"the header {name}", header_text(response.head, name)
            if match is None and found is not None:
                return f"{what} is {_quoted(found)}, expected none", f"{what} is not as expected"
            if match and found is None:
                return (f"{what} is missing",) * 2
            if match and found is not None and (wrong := match.mismatch(what, found, variables)):
                return wrong
        if self.text is None:
            return None
        return self.text.mismatch("the body", body_text(response), variables)


def compile_message_expectations(
    expect: Expect, save: Mapping[str, Capture], known: Variables
) -> MessageExpectations | None:
    """Compile what is expected and saved beside JSON, or return None if nothing is."""
    headers = tuple(
        (name, None if match is None else _compile_match(match, known))
        for name, match in expect.headers.items()
    )
    text = _compile_match(expect.text, known) if expect.text else None
    saved = tuple(
        _compile_capture(name, capture)
        for name, capture in save.items()
        if capture.json_path is None
    )
    return MessageExpectations(headers, text, saved) if headers or text or saved else None


def _compile_match(match: TextMatch, known: Variables) -> CompiledMatch:
    return CompiledMatch(
        equals=None if match.equals is None else compile_text(match.equals, known),
        contains=None if match.contains is None else compile_text(match.contains, known),
        pattern=None if match.matches is None else TextPattern(match.matches),
    )


def _compile_capture(name: str, capture: Capture) -> SavedPart:
    part = _compile_source(name, capture)
    return replace(part, read=with_default(part.read, capture))


def with_default(find: Callable[[T], Any], capture: Capture) -> Callable[[T], Any]:
    """Return a function that finds a saved value, or else its default."""
    if capture.default is None:
        return find

    def find_or_default(source: T) -> Any:
        found = find(source)
        return capture.default if found is None else found

    return find_or_default


def _compile_source(name: str, capture: Capture) -> SavedPart:
    if header := capture.header:
        missing = f"the response has no header {header}"
        return SavedPart(name, missing, partial(_read_header, header))
    if cookie := capture.cookie:
        missing = f"the response sets no cookie {cookie!r}"
        return SavedPart(name, missing, lambda response: set_cookie_value(response.head, cookie))
    pattern = TextPattern(capture.text or "")
    missing = f"the body does not match {pattern.pattern!r}"
    return SavedPart(name, missing, lambda response: pattern.find(body_text(response)))


def _read_header(name: str, response: Response) -> str | None:
    """Return the value of a header; a relative Location is resolved, as RFC 9110 has it.

    What is no URL stays as it is, and is an error where it is requested.
    """
    found = header_text(response.head, name)
    if found is None or name.lower() not in _LOCATIONS or found.startswith("//"):
        return found
    try:
        return found if urlsplit(found).scheme else urljoin(response.target, found)
    except ValueError:
        return found


def _quoted(text: Any) -> str:
    return json.dumps(text, ensure_ascii=False)
