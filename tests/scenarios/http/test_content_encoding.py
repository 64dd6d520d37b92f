import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.content_encoding import decode
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
        assert decode(packed, coding, "") == (body, "")


def test_an_unknown_coding_is_an_error_and_the_body_is_kept() -> None:
    body, error = decode(b"\x0b\x02", b"br", "")
    assert body == b"\x0b\x02"
    assert error == "its content-encoding br is unknown"


@pytest.mark.parametrize("cut", [1, 10, 18])
def test_a_body_that_ends_early_is_an_error(cut: int) -> None:
    assert "broke off" in decode(gzip.compress(b"well")[:cut], b"gzip", "")[1]


def test_a_body_that_is_not_what_it_claims_is_an_error() -> None:
    assert decode(b"no gzip", b"gzip", "")[0] == b""
    assert "broke off" in decode(b"no gzip", b"gzip", "")[1]


def test_a_bomb_is_decoded_to_the_limit_only() -> None:
    body, error = decode(gzip.compress(bytes(10 * MAX_BODY_BYTES)), b"gzip", "")
    assert len(body) == MAX_BODY_BYTES + 1
    assert "over 10,000,000 bytes" in error


def test_an_earlier_error_takes_precedence() -> None:
    assert decode(gzip.compress(b"well")[:9], b"gzip", "cut")[1] == "cut"
