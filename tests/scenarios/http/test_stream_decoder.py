import gzip
import zlib

import pytest

from scenarios.http.stream_decoder import DecodingError, StreamDecoder

TEXT = b"data: some text\n\n" * 99


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(TEXT)),
        (b"x-gzip", gzip.compress(TEXT)),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", zlib.compress(TEXT)[2:-4]),
        (b"utf-8", TEXT),
        (b"gzip", gzip.compress(TEXT) + b"noise"),
        (b"gzip", gzip.compress(TEXT[:7]) + gzip.compress(b"") + gzip.compress(TEXT[7:])),
        (b"gzip", gzip.compress(TEXT) + b"\x1f"),
    ],
    ids=[
        "gzip",
        "x-gzip",
        "deflate",
        "raw deflate",
        "no coding",
        "noise behind it",
        "three members",
        "half a magic number behind it",
    ],
)
def test_a_body_is_decoded_byte_by_byte(coding: bytes, body: bytes) -> None:
    decoder = StreamDecoder((coding,))
    assert b"".join(decoder.decode(body[i : i + 1]) for i in range(len(body))) == TEXT
    assert decoder.is_whole


def test_what_was_flushed_is_decoded_before_the_end() -> None:
    compressor = zlib.compressobj(wbits=31)
    first = compressor.compress(TEXT) + compressor.flush(zlib.Z_SYNC_FLUSH)
    decoder = StreamDecoder((b"gzip",))
    assert decoder.decode(first) == TEXT
    assert not decoder.is_whole


@pytest.mark.parametrize(
    ("codings", "body", "reason"),
    [
        ((b"gzip",), b"plain", "the body is not valid gzip"),
        ((b"br",), b"x", "its content-encoding br was not asked for"),
        ((b"gzip", b"gzip"), b"x", "a stream with more than one content encoding is not read"),
        ((b"gzip",), gzip.compress(bytes(1_000_000)),
         "the body is over 1,000 bytes after decoding (Content-Encoding: gzip)"),
        ((b"gzip",), gzip.compress(bytes(600)) * 2,
         "the body is over 1,000 bytes after decoding (Content-Encoding: gzip)"),
        ((b"gzip",), gzip.compress(b"") * 10_001, "the body has more than 10,000 members of gzip"),
        ((b"gzip",), gzip.compress(b"x") + b"\x1f\x8bno", "the body is not valid gzip"),
    ],
    ids=["no gzip", "not asked for", "two codings", "too large", "two members too large",
         "too many members", "a broken second member"],
)  # fmt: skip
def test_what_cannot_be_decoded_or_is_too_large_has_a_reason(
    codings: tuple[bytes, ...], body: bytes, reason: str
) -> None:
    with pytest.raises(DecodingError) as raised:
        StreamDecoder(codings, 1_000).decode(body)
    assert str(raised.value) == reason


def test_a_member_that_has_begun_is_not_whole() -> None:
    decoder = StreamDecoder((b"gzip",))
    assert decoder.decode(gzip.compress(TEXT) + gzip.compress(TEXT)[:-4]) == TEXT * 2
    assert not decoder.is_whole


def test_the_pieces_of_a_body_are_bounded_together() -> None:
    compressor = zlib.compressobj(wbits=31)
    pieces = [
        compressor.compress(bytes(600)) + compressor.flush(zlib.Z_SYNC_FLUSH) for _ in range(2)
    ]
    decoder = StreamDecoder((b"gzip",), 1_000)
    assert decoder.decode(pieces[0]) == bytes(600)
    with pytest.raises(DecodingError):
        decoder.decode(pieces[1])
