r"""Find the head of a response, and rewrite what HTTP allows and llhttp refuses.

llhttp refuses a repeated Content-Length, a length beside Transfer-Encoding, folded lines and lines
that end in LF alone. All of them have a plain form with the same meaning (RFC 9112):

    Content-Length: 2            Content-Length: 2
    content-length: 2      →     X-Note: one two
    X-Note: one
      two
"""

import re

_LINE_END = re.compile(rb"\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_INFORMATIONAL = re.compile(rb"HTTP/1\.\d 1(?!01)")
_FOLDED = re.compile(rb"\r?\n[ \t]+")
_LENGTH, _TRANSFER = b"content-length", b"transfer-encoding"


def final_head(data: bytes) -> bytes:
    """Return the head of the response, without informational ones before it."""
    data = data.lstrip(b"\r\n")
    while True:
        head, _, rest = data.partition(b"\r\n\r\n")
        if not rest or head[9:10] != b"1" or head[9:12] == b"101":
            return head + b"\r\n"
        data = rest


def plain_response(data: bytes) -> bytes | None:
    r"""Return the start of a response with a plain head; None until its head is complete.

    Raises ValueError for a head without a plain form, such as one with two different lengths.

    >>> plain_response(b"HTTP/1.1 200\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n{")
    b'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{'
    """
    data = data.lstrip(b"\r\n")
    if not data.startswith(b"HTTP/1."):
        raise ValueError("no status line")
    while end := _HEAD_END.search(data):
        if not _INFORMATIONAL.match(data):
            return _plain_head(data[: end.start()]) + b"\r\n\r\n" + data[end.end() :]
        data = data[end.end() :]
    return None


def _plain_head(head: bytes) -> bytes:
    status, *lines = _LINE_END.split(_FOLDED.sub(b" ", head))
    if not all(b":" in line for line in lines):
        raise ValueError("a header line without a colon")
    parts = (line.partition(b":") for line in lines)
    fields = [(name.rstrip(b" \t"), value.strip()) for name, _, value in parts]
    codings = [value.lower() for name, value in fields if name.lower() == _TRANSFER]
    is_chunked = any(coding != b"identity" for coding in codings)
    values = [value for name, value in fields if name.lower() == _LENGTH]
    lengths = [member.strip() for value in values for member in value.split(b",")]
    are_numbers = all(length.isdigit() for length in lengths)
    if not is_chunked and (not are_numbers or len(set(map(int, lengths))) > 1):
        raise ValueError("Content-Length headers that are not one number")
    dropped = (_LENGTH,) if is_chunked else (_LENGTH, _TRANSFER)
    kept = [(name, value) for name, value in fields if name.lower() not in dropped]
    if lengths and not is_chunked:  # Transfer-Encoding overrides a length
        kept.append((b"Content-Length", lengths[0]))
    return b"\r\n".join([status, *(name + b": " + value for name, value in kept)])
