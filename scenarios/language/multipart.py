"""Compile the fields and files of a step to a body of the type multipart/form-data (RFC 7578).

--BOUNDARY
Content-Disposition: form-data; name="report"; filename="june.csv"
Content-Type: text/csv

(the content of the file, as it is)
--BOUNDARY--
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scenarios.language.bodies import FilePart
from scenarios.language.templates import (
    Constant,
    Template,
    TemplateError,
    Variables,
    compile_text,
    compile_value,
)
from scenarios.language.value_text import text_of

_BOUNDARY_BYTES = 16


def new_boundary() -> str:
    """Return a boundary that no content has: it is random."""
    return f"trial-balance-{secrets.token_hex(_BOUNDARY_BYTES)}"


def compile_multipart(
    fields: Mapping[str, Sequence[Any]], files: Mapping[str, bytes], boundary: str, known: Variables
) -> Callable[[Variables], bytes]:
    """Compile a form; `files` has the content of each file by its path in the scenario.

    Raises TemplateError, as may the function that it returns.
    """
    templates = [
        _file(name, part, files[part.file], known)
        if isinstance(part, FilePart)
        else _field(name, compile_value(part, known))
        for name, parts in fields.items()
        for part in parts
    ]
    opening, closing = f"--{boundary}\r\n".encode(), f"--{boundary}--\r\n".encode()

    def render(variables: Variables) -> bytes:
        parts = [part for template in templates for part in template(variables)]
        return b"".join([*(opening + part + b"\r\n" for part in parts), closing])

    if all(isinstance(template, Constant) for template in templates):
        whole = render({})
        return lambda _: whole
    return render


def _file(name: str, part: FilePart, content: bytes, known: Variables) -> Template:
    shown = compile_text(part.shown_name, known)

    def render(variables: Variables) -> list[bytes]:
        filename = _quoted(shown(variables))
        head = f"{_disposition(name)}; filename={filename}\r\nContent-Type: {part.type}\r\n\r\n"
        return [_encoded(name, head) + content]

    return Constant(render({})) if isinstance(shown, Constant) else render


def _field(name: str, value: Template) -> Template:
    def render(variables: Variables) -> list[bytes]:
        return [
            _encoded(name, f"{_disposition(name)}\r\n\r\n{text}")
            for text in _texts(name, value(variables))
        ]

    return Constant(render({})) if isinstance(value, Constant) else render


def _texts(name: str, value: Any) -> Iterator[str]:
    """Yield the text of a value; a list is a field for each member."""
    for each in value if isinstance(value, list | tuple | Iterator) else [value]:
        if each is None:
            raise TemplateError(f"the field {name!r} is null, which has no text")
        try:
            yield text_of(each)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise TemplateError(f"the field {name!r} cannot be encoded: {error}") from error


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TemplateError(f"the field {name!r} cannot be encoded: {error.reason}") from error


def _disposition(name: str) -> str:
    return f"Content-Disposition: form-data; name={_quoted(name)}"


def _quoted(name: str) -> str:
    """Quote a name as browsers do."""
    escaped = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return f'"{escaped}"'
