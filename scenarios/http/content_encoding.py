"""Decode gzip and deflate bodies, bounded in size."""

import zlib

from scenarios.http.messages import MAX_BODY_BYTES


def unpack(body: bytes, coding: bytes, broken: str) -> tuple[bytes, str]:
    """Unpack a body, bounded in size; return it and why it is not whole."""
    if coding in (b"", b"identity"):
        return body, broken
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return body, broken or f"its content-encoding {coding.decode('latin-1')} is unknown"
    bits = zlib.MAX_WBITS | 16 if coding != b"deflate" else zlib.MAX_WBITS
    if coding == b"deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED:
        bits = -zlib.MAX_WBITS  # as some servers understand it
    unpacking = zlib.decompressobj(bits)
    try:
        unpacked = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        return b"", broken or f"the body broke off: {error}"
    if len(unpacked) > MAX_BODY_BYTES:
        return unpacked, broken or f"the body is over {MAX_BODY_BYTES:,} bytes"
    if not unpacking.eof:
        return unpacked, broken or "the body broke off: its packing has no end"
    return unpacked, broken
