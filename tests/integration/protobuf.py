"""Encode protobuf messages field by field, as Prometheus takes them."""

import struct

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def number(field: int, value: int) -> bytes:
    """Return a field that is a whole number of at least 0."""
    return varint(field << 3 | _VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """Return a field that is a floating-point number."""
    return varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def text(field: int, value: str) -> bytes:
    """Return a field that is a text."""
    return message(field, value.encode())


def message(field: int, content: bytes) -> bytes:
    """Return a field that is a message."""
    return varint(field << 3 | _BYTES) + delimited(content)


def delimited(content: bytes) -> bytes:
    """Return bytes behind their length."""
    return varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return a whole number of at least 0, seven bits a byte, the lowest first."""
    head, rest = value & 0x7F, value >> 7
    return bytes([head | 0x80]) + varint(rest) if rest else bytes([head])
