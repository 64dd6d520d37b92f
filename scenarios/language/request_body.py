"""Compile the JSON body of a step's request; its constant parts are encoded once.

{"card": "{{ id }}", "n": 1}   becomes the pieces   b'{"card":' + template + b',"n":1}'
"""

from collections.abc import Callable, Iterator
from typing import Any

from scenarios.language.templates import (
    Constant,
    Template,
    TemplateError,
    Variables,
    compile_text,
    compile_value,
)
from scenarios.language.value_text import encode_json

BodyTemplate = Callable[[Variables], bytes]


def compile_body(value: Any, known: Variables) -> BodyTemplate:
    """Compile a JSON value with templates inside; `known` variables are constant.

    Raises TemplateError, as may the function that it returns.

    >>> compile_body({"a": 1, "ids": "{{ ids }}"}, {})({"ids": [7, 8]})
    b'{"a":1,"ids":[7,8]}'
    """
    pieces: list[bytes | Template] = []
    for piece in _pieces(value, known):
        if isinstance(piece, bytes) and pieces and isinstance(pieces[-1], bytes):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return _join(pieces)


def _join(pieces: list[bytes | Template]) -> BodyTemplate:
    match pieces:
        case [bytes() as whole]:
            return lambda _: whole
        case [bytes() as before, middle, bytes() as after] if not isinstance(middle, bytes):
            return lambda variables: before + encode_body(middle(variables)) + after
    pattern = b"".join(
        [piece.replace(b"%", b"%%") if isinstance(piece, bytes) else b"%b" for piece in pieces]
    )
    templates = [piece for piece in pieces if not isinstance(piece, bytes)]
    return lambda variables: pattern % tuple([encode_body(each(variables)) for each in templates])


def _pieces(value: Any, known: Variables) -> Iterator[bytes | Template]:
    """Yield the encoding piece by piece, with a template for each piece that is not constant."""
    if isinstance(value, dict):
        for number, (key, member) in enumerate(value.items()):
            yield b"," if number else b"{"
            yield _piece(compile_text(str(key), known))
            yield b":"
            yield from _pieces(member, known)
        yield b"}" if value else b"{}"
    elif isinstance(value, list):
        for number, element in enumerate(value):
            yield b"," if number else b"["
            yield from _pieces(element, known)
        yield b"]" if value else b"[]"
    else:
        yield _piece(compile_value(value, known))


def _piece(template: Template) -> bytes | Template:
    return encode_body(template.value) if isinstance(template, Constant) else template


def encode_body(value: Any) -> bytes:
    """Encode a value as JSON. Raises TemplateError for what JSON cannot express."""
    try:
        return encode_json(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise TemplateError(f"cannot be encoded as JSON: {error}") from error
