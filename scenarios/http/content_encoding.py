"""Decode gzip and deflate bodies, bounded in size."""

import re
import zlib

from scenarios.http.messages import MAX_BODY_BYTES

MAX_CODINGS = 4
MAX_MEMBERS = 100

_HEADER = re.compile(rb"\r\ncontent-encoding:([^\r\n]*)")
_GZIP = (b"gzip", b"x-gzip")
_GZIP_MAGIC = b"\x1f\x8b"
# Registered codings that a client has to ask for. Anything else in the header is no coding: some
# servers write a charset into it, "none", or a coding of their own storage, such as aws-chunked.
NOT_DECODED = (b"br", b"zstd", b"compress", b"x-compress", b"dcb", b"dcz")
KNOWN = (*_GZIP, b"deflate", *NOT_DECODED)


def content_codings(head: bytes) -> tuple[bytes, ...]:
    r"""Return the codings in the order in which they were applied, from a head in lower case.

    >>> content_codings(b"http/1.1 200 ok\r\ncontent-encoding: deflate, gzip\r\n")
    (b'deflate', b'gzip')
    """
    return codings_in(b",".join(_HEADER.findall(head)))


def codings_in(value: bytes) -> tuple[bytes, ...]:
    """Return the codings of a header's value in lower case, in order."""
    return tuple(coding.strip(b' \t"') for coding in value.split(b","))


def decode(
    body: bytes, codings: tuple[bytes, ...], error: str, max_bytes: int = MAX_BODY_BYTES
) -> tuple[bytes, str]:
    """Decode a body; return it, and why it is incomplete, or "".

    `error` is why the encoded body is incomplete, or "". Of each coding, at most one byte over
    `max_bytes` is decoded, so that a small body cannot fill the memory; nor can many codings take
    the time.
    """
    known = [coding for coding in codings if coding in KNOWN]
    if len(known) > MAX_CODINGS:
        return body, error or f"it has more than {MAX_CODINGS} content encodings"
    for coding in reversed(known):
        if coding in NOT_DECODED:
            name = coding.decode("latin-1")
            return body, error or f"its content-encoding {name} was not asked for"
        try:
            body, is_whole = _inflate(body, coding, max_bytes + 1)
        except zlib.error:
            return b"", error or f"the body is not valid {coding.decode()}"
        if len(body) > max_bytes:
            names = b", ".join(known).decode()
            size = f"{max_bytes:,} bytes after decoding (Content-Encoding: {names})"
            return body, error or f"the body is over {size}"
        if not is_whole:
            error = error or "the body broke off: its encoding is incomplete"
    return body, error


def _inflate(body: bytes, coding: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """Return the decoded start of a body, and whether its encoding ends. Raises zlib.error."""
    if coding in _GZIP:
        return _inflate_members(body, coding, max_bytes)
    decoder = decompressor(coding, body)
    return decoder.decompress(body, max_bytes), decoder.eof


def decompressor(coding: bytes, body: bytes) -> "zlib._Decompress":
    """Return a decompressor for a body of this coding that begins like this."""
    if coding in _GZIP:
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # some servers send deflate without the zlib header of RFC 9110
    is_raw = body[:1] and body[0] & 0x0F != zlib.DEFLATED
    return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS)


def _inflate_members(body: bytes, coding: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """Decode gzip, which may be several members in a row; what follows them is ignored.

    Their number is bounded, since zlib copies what follows each.
    """
    decoded = b""
    for _ in range(MAX_MEMBERS):
        decoder = decompressor(coding, body)
        decoded += decoder.decompress(body, max_bytes - len(decoded))
        body = decoder.unused_data
        if not body.startswith(_GZIP_MAGIC) or len(decoded) >= max_bytes:
            return decoded, decoder.eof
    return decoded, False
