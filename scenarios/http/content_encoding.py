"""Decode gzip and deflate bodies, bounded in size."""

import zlib

from scenarios.http.messages import MAX_BODY_BYTES


def decode(body: bytes, coding: bytes, error: str) -> tuple[bytes, str]:
    """Decode a body; return it, and why it is incomplete, or "".

    `error` is why the encoded body is incomplete, or "". At most one byte over MAX_BODY_BYTES is
    decoded, so that a small body cannot fill the memory.
    """
    if coding in (b"", b"identity"):
        return body, error
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return body, error or f"its content-encoding {coding.decode('latin-1')} is unknown"
    bits = zlib.MAX_WBITS | 16 if coding != b"deflate" else zlib.MAX_WBITS
    if coding == b"deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED:
        bits = -zlib.MAX_WBITS  # some servers send deflate without the zlib header of RFC 9110
    decoder = zlib.decompressobj(bits)
    try:
        decoded = decoder.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as zlib_error:
        return b"", error or f"the body broke off: {zlib_error}"
    if len(decoded) > MAX_BODY_BYTES:
        return decoded, error or f"the body is over {MAX_BODY_BYTES:,} bytes"
    if not decoder.eof:
        return decoded, error or "the body broke off: its encoding is incomplete"
    return decoded, error
