"""Decode a body while it arrives, bounded in size."""

import zlib

from scenarios.http.content_encoding import KNOWN, NOT_DECODED, Decompressor, TooManyMembers
from scenarios.http.messages import MAX_BODY_BYTES


class DecodingError(ValueError):
    """A body that cannot be decoded; the text is the reason."""


class StreamDecoder:
    """Decodes the pieces of a body to at most `max_bytes`; it may have one coding."""

    def __init__(self, codings: tuple[bytes, ...] = (), max_bytes: int = MAX_BODY_BYTES) -> None:
        """Begin a body."""
        self._codings = [coding for coding in codings if coding in KNOWN]
        self._left = self._max_bytes = max_bytes
        self._decoder: Decompressor | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the encoding of what has arrived has come to its end."""
        return self._decoder is None or self._decoder.is_whole

    def decode(self, piece: bytes) -> bytes:
        """Return what a piece of the body stands for. Raises DecodingError."""
        if not self._codings or not piece:
            return piece
        coding = self._only_coding()
        decoder = self._decoder = self._decoder or Decompressor(self._codings[0])
        try:
            decoded = decoder.decompress(piece, self._left + 1)
        except TooManyMembers as error:
            raise DecodingError(str(error)) from None
        except zlib.error:
            raise DecodingError(f"the body is not valid {coding}") from None
        self._left -= len(decoded)
        if self._left < 0:
            size = f"{self._max_bytes:,} bytes after decoding (Content-Encoding: {coding})"
            raise DecodingError(f"the body is over {size}")
        return decoded

    def _only_coding(self) -> str:
        if len(self._codings) > 1:
            raise DecodingError("a stream with more than one content encoding is not read")
        name = self._codings[0].decode("latin-1")
        if self._codings[0] in NOT_DECODED:
            raise DecodingError(f"its content-encoding {name} was not asked for")
        return name
