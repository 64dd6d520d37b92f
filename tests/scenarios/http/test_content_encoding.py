import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.content_encoding import (
    MAX_CODINGS,
    MAX_MEMBERS,
    Decompressor,
    content_codings,
    decode,
)
from scenarios.http.messages import MAX_BODY_BYTES


def _raw_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()


@given(st.binary())
def test_every_known_coding_is_decoded(body: bytes) -> None:
    for coding, packed in (
        (b"", body),
        (b"identity", body),
        (b"gzip", gzip.compress(body)),
        (b"x-gzip", gzip.compress(body)),
        (b"deflate", zlib.compress(body)),
        (b"deflate", _raw_deflate(body)),
    ):
        assert decode(packed, (coding,), "") == (body, "")


@given(st.binary())
def test_codings_are_undone_in_reverse_order(body: bytes) -> None:
    packed = gzip.compress(zlib.compress(body))
    assert decode(packed, (b"deflate", b"identity", b"gzip"), "") == (body, "")


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"compress"])
def test_a_coding_that_was_not_asked_for_is_an_error_that_names_it(coding: bytes) -> None:
    body, error = decode(b"\x0b\x02", (coding,), "")
    assert body == b"\x0b\x02"
    assert error == f"its content-encoding {coding.decode()} was not asked for"


@pytest.mark.parametrize(
    "value", [b"utf-8", b"none", b"aws-chunked", b"iso-8859-1", b"null", b"*", b"", b"binary,"]
)
def test_a_header_that_names_no_coding_leaves_the_body_as_it_is(value: bytes) -> None:
    codings = content_codings(b"http/1.1 200 ok\r\ncontent-encoding: " + value + b"\r\n")
    assert decode(b'{"id":1}', codings, "") == (b'{"id":1}', "")


def test_codings_of_several_headers_are_one_list() -> None:
    head = b"http/1.1 200 ok\r\ncontent-encoding:utf-8\r\nage: 1\r\ncontent-encoding: gzip \r\n"
    assert content_codings(head) == (b"utf-8", b"gzip")


@pytest.mark.parametrize("cut", [1, 10, 18])
def test_a_body_that_ends_early_is_an_error(cut: int) -> None:
    assert "broke off" in decode(gzip.compress(b"well")[:cut], (b"gzip",), "")[1]


def test_a_body_that_is_not_what_it_claims_is_an_error() -> None:
    assert decode(b"no gzip", (b"gzip",), "") == (b"", "the body is not valid gzip")
    needs_a_dictionary = b"\x78\xbb" + zlib.compress(b"well")[2:]
    assert decode(needs_a_dictionary, (b"deflate",), "") == (b"", "the body is not valid deflate")


@pytest.mark.parametrize("parts", [(b"we", b"ll"), (b"", b"well"), (b"w", b"", b"ell", b"")])
def test_gzip_of_several_members_is_their_contents_in_a_row(parts: tuple[bytes, ...]) -> None:
    packed = b"".join(map(gzip.compress, parts))
    assert decode(packed, (b"gzip",), "") == (b"well", "")
    assert "broke off" in decode(packed[:-1], (b"gzip",), "")[1]


@pytest.mark.parametrize("noise", [b"noise", bytes(99), b"\x1f"])
def test_what_follows_gzip_and_is_none_is_ignored(noise: bytes) -> None:
    assert decode(gzip.compress(b"well") + noise, (b"gzip",), "") == (b"well", "")


def test_members_of_gzip_are_bounded_together_in_size_and_in_number() -> None:
    huge = gzip.compress(bytes(MAX_BODY_BYTES // 2 + 1))
    body, error = decode(huge * 9, (b"gzip",), "")
    assert len(body) == MAX_BODY_BYTES + 1
    assert "over 10,000,000 bytes" in error
    empty = gzip.compress(b"")
    assert decode(empty * MAX_MEMBERS, (b"gzip",), "") == (b"", "")
    reason = "the body has more than 10,000 members of gzip"
    assert decode(empty * (MAX_MEMBERS + 1), (b"gzip",), "") == (b"", reason)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4_096, 10_000])
def test_members_are_decoded_however_they_are_cut_into_pieces(size: int) -> None:
    texts = [bytes([65 + number % 26]) * number for number in range(0, 400, 7)]
    packed = b"".join(map(gzip.compress, texts)) + b"\x1fnoise"
    decompressor = Decompressor(b"gzip")
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    decoded = b"".join(decompressor.decompress(piece, 10**6) for piece in pieces)
    assert decoded == b"".join(texts)
    assert decompressor.is_whole


def test_what_follows_noise_is_ignored_though_it_looks_like_a_member() -> None:
    well = gzip.compress(b"well")
    assert decode(well + b"\x1f" + well, (b"gzip",), "") == (b"well", "")


def test_what_follows_deflate_is_ignored_though_it_is_gzip() -> None:
    body = zlib.compress(b"well") + gzip.compress(b"more")
    assert decode(body, (b"deflate",), "") == (b"well", "")


def test_a_bomb_is_decoded_to_the_limit_only() -> None:
    body, error = decode(gzip.compress(bytes(10 * MAX_BODY_BYTES)), (b"gzip",), "")
    assert len(body) == MAX_BODY_BYTES + 1
    assert "over 10,000,000 bytes" in error


def test_an_earlier_error_takes_precedence() -> None:
    assert decode(gzip.compress(b"well")[:9], (b"gzip",), "cut")[1] == "cut"


def test_a_bomb_within_a_bomb_is_decoded_to_the_limit_only() -> None:
    packed = gzip.compress(gzip.compress(bytes(10 * MAX_BODY_BYTES)))
    body, error = decode(packed, (b"gzip", b"gzip"), "")
    assert len(body) == MAX_BODY_BYTES + 1
    assert error == (
        "the body is over 10,000,000 bytes after decoding (Content-Encoding: gzip, gzip)"
    )


def test_the_limit_can_be_smaller_and_is_of_each_coding() -> None:
    packed = gzip.compress(zlib.compress(b"x" * 100))
    assert decode(packed, (b"deflate", b"gzip"), "", 100) == (b"x" * 100, "")
    assert "over 99 bytes after decoding" in decode(packed, (b"deflate", b"gzip"), "", 99)[1]


def test_more_codings_than_anybody_uses_are_not_undone() -> None:
    packed = gzip.compress(b"well")
    assert decode(packed, (b"gzip",) * (MAX_CODINGS + 1), "") == (
        packed, "it has more than 4 content encodings",
    )  # fmt: skip
