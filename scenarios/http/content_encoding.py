"""Decode gzip and deflate bodies, bounded in size."""

import re
import zlib

from scenarios.http.messages import MAX_BODY_BYTES

MAX_CODINGS = 4
MAX_MEMBERS = 10_000  # as many as a stream may have events, each of which may be one

_HEADER = re.compile(rb"\r\ncontent-encoding:([^\r\n]*)")
_GZIP = (b"gzip", b"x-gzip")
_GZIP_MAGIC = b"\x1f\x8b"
_SLICE_BYTES = 4_096  # zlib copies what follows a member: not the whole body for each
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


class TooManyMembers(ValueError):
    """A gzip body of more members than are read; the text is the reason."""


class Decompressor:
    """Decodes a body of one coding, whole or in pieces as it arrives.

    A gzip body may be several members in a row (RFC 1952); what follows the last one is ignored.

        member ─┬─ member ─┬─ no magic number: ignored
                └──────────┴─ its first byte may be the last one of a piece
    """

    def __init__(self, coding: bytes) -> None:
        """Begin a body."""
        self._coding = coding
        self._decoder: zlib._Decompress | None = None
        self._members = 0
        self._held = b""
        self._is_over = False

    @property
    def is_whole(self) -> bool:
        """Whether the encoding of what has arrived has come to its end."""
        return self._decoder is not None and self._decoder.eof

    def decompress(self, piece: bytes, max_bytes: int) -> bytes:
        """Decode a piece, to at most so many bytes. Raises zlib.error and TooManyMembers."""
        decoded: list[bytes] = []
        for start in range(0, len(piece), _SLICE_BYTES):
            encoded = piece[start : start + _SLICE_BYTES]
            while encoded and not self._is_over and max_bytes > 0:
                decoder = self._decoder_for(encoded)
                if decoder is None:
                    break
                decoded.append(decoder.decompress(self._held + encoded, max_bytes))
                max_bytes -= len(decoded[-1])
                self._held, encoded = b"", decoder.unused_data
        return b"".join(decoded)

    def _decoder_for(self, encoded: bytes) -> "zlib._Decompress | None":
        """Return what decodes the next bytes, or None if nothing does, or that is not known yet."""
        if self._decoder and not self._decoder.eof:
            return self._decoder
        if self._decoder:
            begin = (self._held + encoded)[: len(_GZIP_MAGIC)]
            self._is_over = self._coding not in _GZIP or not _GZIP_MAGIC.startswith(begin)
            if self._is_over or begin != _GZIP_MAGIC:
                self._held = begin
                return None
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise TooManyMembers(f"the body has more than {MAX_MEMBERS:,} members of gzip")
        self._decoder = _decoder(self._coding, encoded)
        return self._decoder


def _decoder(coding: bytes, encoded: bytes) -> "zlib._Decompress":
    if coding in _GZIP:
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # some servers send deflate without the zlib header of RFC 9110
    is_raw = encoded[0] & 0x0F != zlib.DEFLATED
    return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else zlib.MAX_WBITS)


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
        decompressor = Decompressor(coding)
        try:
            body = decompressor.decompress(body, max_bytes + 1)
        except TooManyMembers as many:
            return b"", error or str(many)
        except zlib.error:
            return b"", error or f"the body is not valid {coding.decode()}"
        if len(body) > max_bytes:
            names = b", ".join(known).decode()
            size = f"{max_bytes:,} bytes after decoding (Content-Encoding: {names})"
            return body, error or f"the body is over {size}"
        if not decompressor.is_whole:
            error = error or "the body broke off: its encoding is incomplete"
    return body, error
