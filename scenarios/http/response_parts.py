"""Parts of a response as text: headers, the cookies that it sets, its body."""

import re
from collections.abc import Iterator

from scenarios.http.messages import Response

_CHARSET = re.compile(r'charset\s*=\s*"?([\w.:+-]+)')


def header_texts(head: bytes, name: str) -> Iterator[str]:
    r"""Yield the value of each header of a name, in any case of letters.

    >>> list(header_texts(b"HTTP/1.1 200 OK\r\nETag: x\r\netag:  Y \r\n", "ETAG"))
    ['x', 'Y']
    """
    wanted = name.lower().encode("latin-1", "replace")
    for line in head.split(b"\r\n")[1:]:
        written, colon, value = line.partition(b":")
        if colon and written.strip().lower() == wanted:
            yield _decoded(value.strip(b" \t"))


def header_text(head: bytes, name: str) -> str | None:
    """Return the value of a header, several joined by commas, or None without it."""
    values = list(header_texts(head, name))
    return ", ".join(values) if values else None


def set_cookie_value(head: bytes, name: str) -> str | None:
    """Return the value of a cookie that a response sets last, or None."""
    found = None
    for text in header_texts(head, "Set-Cookie"):
        pair = text.partition(";")[0]
        written, _, value = pair.partition("=")
        if written.strip() == name:
            found = value.strip()
    return found


def body_text(response: Response) -> str:
    """Return the body as text, in the charset of its type, else UTF-8."""
    charset = _CHARSET.search(response.content_type)
    try:
        return response.body.decode(charset[1] if charset else "utf-8", errors="replace")
    except LookupError:
        return response.body.decode(errors="replace")


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
