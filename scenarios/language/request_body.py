"""What is the body of a step's request? JSON, what does not change in it encoded ahead."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from scenarios.language.templates import Constant, Template, TemplateError, Variables, compile_value

Body = Callable[[Variables], bytes]

_encode = msgspec.json.Encoder().encode


def compile_body(value: Any, known: Variables) -> Body:
    """Compile a JSON value with templates inside to its encoding. Raises TemplateError.

    >>> compile_body({"a": 1, "ids": "{{ ids }}"}, {})({"ids": [7, 8]})
    b'{"a":1,"ids":[7,8]}'
    """
    pieces: list[bytes | Template] = []
    for piece in _pieces(value, known):
        if isinstance(piece, bytes) and pieces and isinstance(pieces[-1], bytes):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return _joined(pieces)


def _joined(pieces: list[bytes | Template]) -> Body:
    match pieces:
        case [bytes() as whole]:
            return lambda _: whole
        case [bytes() as before, middle, bytes() as after] if not isinstance(middle, bytes):
            return lambda variables: before + _encoded(middle(variables)) + after
    return lambda variables: b"".join(
        [each if isinstance(each, bytes) else _encoded(each(variables)) for each in pieces]
    )


def _pieces(value: Any, known: Variables) -> Iterator[bytes | Template]:
    """Yield the encoding piece by piece, a template where a piece is not known yet."""
    if isinstance(value, dict):
        for number, (key, each) in enumerate(value.items()):
            yield (b"," if number else b"{") + _encoded(str(key)) + b":"
            yield from _pieces(each, known)
        yield b"}" if value else b"{}"
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield b"," if number else b"["
            yield from _pieces(each, known)
        yield b"]" if value else b"[]"
    else:
        template = compile_value(value, known)
        yield _encoded(template.value) if isinstance(template, Constant) else template


def _encoded(value: Any) -> bytes:
    """Encode a value. Raises TemplateError for what JSON cannot say."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number of JSON")
        return _encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise TemplateError(f"could not be sent: {error}") from error
