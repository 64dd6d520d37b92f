r"""Decode JSON of bounded depth and size: what JMESPath, comparisons and messages get to see.

A small text can hold more than Python takes: 100,000 brackets exceed every recursion limit, and
10 MB of empty lists take 300 MB of memory. The text itself shows both, before it is decoded:

    {"a": [1, "]", {}]}   ──→  no strings  {: [1, , {}]}   ──→  {[,,{}]}   depth 3, 5 values
"""

from codecs import BOM_UTF8
from itertools import accumulate
from typing import Any

import msgspec

MAX_DEPTH = 100
MAX_VALUES = 500_000

_PIECE_BYTES = 65_536
_SHAPE = b"[]{},"
_OTHERS = bytes(set(range(256)) - set(_SHAPE))
_STEPS = [{ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(i, 0) for i in range(256)]

_decode = msgspec.json.Decoder().decode


class UnboundedJson(ValueError):
    """The text is JSON of too great a depth or size; the message says which."""


def decode_json(content: bytes, max_values: int = MAX_VALUES) -> Any:
    """Decode JSON. Raises ValueError; UnboundedJson beyond MAX_DEPTH or `max_values`."""
    if len(content) > MAX_DEPTH:
        check_bounds(content, max_values)
    try:
        return _decode(content)
    except msgspec.DecodeError:
        if not content.startswith(BOM_UTF8):
            raise
        return _decode(content.removeprefix(BOM_UTF8))  # servers on .NET send it


def check_bounds(content: bytes, max_values: int = MAX_VALUES) -> None:
    """Raise UnboundedJson for JSON beyond MAX_DEPTH or `max_values`."""
    # The usual text has few brackets, and this is in the path of every response of a load; count()
    # looks at each byte, while replace() finds what it removes by memchr.
    most = MAX_DEPTH + 1
    others = content.replace(b"[", b"", most).replace(b"{", b"", most)
    is_flat = len(content) - len(others) <= MAX_DEPTH
    if is_flat and (len(content) <= max_values or content.count(b",") < max_values - MAX_DEPTH):
        return
    shape = _shape(content)
    values = 1 + shape.count(b",") + shape.count(b"[") + shape.count(b"{")
    if values > max_values:
        raise UnboundedJson(f"the JSON of the response has more than {max_values:,} values")
    if max(accumulate(map(_STEPS.__getitem__, shape)), default=0) > MAX_DEPTH:
        raise UnboundedJson(f"the JSON of the response is nested deeper than {MAX_DEPTH} levels")


def _shape(content: bytes) -> bytes:
    """Return the brackets, braces and commas outside of strings.

    In pieces, since two million strings would be as many objects.
    """
    # two backslashes are one character, so that the quote after them is not escaped
    unescaped = content.replace(rb"\\", b"").replace(rb"\"", b"")
    shape, in_string = bytearray(), 0
    for start in range(0, len(unescaped), _PIECE_BYTES):
        parts = unescaped[start : start + _PIECE_BYTES].split(b'"')
        shape += b"".join(parts[in_string::2]).translate(None, _OTHERS)
        in_string ^= len(parts) % 2 ^ 1
    return bytes(shape)
