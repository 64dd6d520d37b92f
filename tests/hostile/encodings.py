"""Encoded bodies that no client uses: bombs, broken and unknown codings."""

import gzip
import zlib
from collections.abc import Callable
from functools import cache

from tests.hostile.case import PIECE, Case, chunk, drip, flood, head, once, whole

_HUGE = 20_000_000  # more than any body may have


def _raw_deflate(body: bytes) -> bytes:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packing.compress(body) + packing.flush()


_PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
}


@cache
def _bomb(*codings: str) -> bytes:
    """Pack 20 MB of zeros by each coding in turn."""
    body = bytes(_HUGE)
    for coding in codings:
        pack = _PACK.get(coding.strip('"').lower())
        body = pack(body) if pack else body
    return body


def _encoded(*codings: str) -> Case:
    shown = ", ".join(codings)
    return once(f"a bomb in {shown}",
                lambda: whole(_bomb(*codings), f"Content-Encoding: {shown}"))  # fmt: skip


def _not_asked_for(coding: str) -> Case:
    content = whole(b"\x8b\x00\x80x\x03", f"Content-Encoding: {coding}")
    return once(f"{coding} that was not asked for", lambda: content)


ENCODINGS = [
    *(_encoded(*each) for each in [
        ("gzip",), ("x-gzip",), ("deflate",), ("GZIP",), ('"gzip"',),
        ("gzip", "gzip"), ("gzip", "gzip", "gzip"), ("gzip",) * 4, ("deflate", "deflate"),
        ("deflate", "gzip"), ("gzip", "deflate"), ("x-gzip", "gzip"), ("gzip", "identity", "gzip"),
        ("utf-8", "gzip"), ("gzip", "aws-chunked"),
    ]),
    once("a bomb in raw deflate",
          lambda: whole(_raw_deflate(bytes(_HUGE)), "Content-Encoding: deflate")),
    once("a bomb in two headers", lambda: whole(
        _bomb("gzip", "gzip"), "Content-Encoding: gzip", "Content-Encoding: gzip")),
    once("a bomb in chunks", lambda: head(
        "Transfer-Encoding: chunked", "Content-Encoding: gzip")
        + chunk(_bomb("gzip")) + b"0\r\n\r\n"),
    once("a bomb that ends with the connection",
          lambda: head("Content-Encoding: gzip") + _bomb("gzip")),
    once("five codings", lambda: whole(_bomb(*["gzip"] * 5),
                                         f"Content-Encoding: {', '.join(['gzip'] * 5)}")),
    once("5,000 codings", lambda: whole(_bomb("gzip"),
                                          f"Content-Encoding: {','.join(['gzip'] * 5000)}")),
    once("gzip that is none", lambda: whole(b"no gzip", "Content-Encoding: gzip")),
    once("deflate that is none", lambda: whole(b"\xff\xff", "Content-Encoding: deflate")),
    once("gzip that is cut", lambda: whole(gzip.compress(b"x" * 99)[:-9],
                                             "Content-Encoding: gzip")),
    once("a bomb that is cut", lambda: head("Content-Length: 99999", "Content-Encoding: gzip")
          + _bomb("gzip")[:20_000]),
    once("gzip, gzip of which one is none",
          lambda: whole(gzip.compress(b"x"), "Content-Encoding: gzip, gzip")),
    *(_not_asked_for(coding) for coding in (
        "br", "zstd", "compress", "x-compress", "dcb", "dcz", "BR", "gzip, br", "br, gzip",
        "zstd, gzip", "utf-8, br",
    )),
    flood("a file name in gzip without end", head("Content-Encoding: gzip"),
           b"\x1f\x8b\x08\x08\0\0\0\0\0\0", then=PIECE),
    flood("empty blocks in deflate without end", head("Content-Encoding: deflate"),
           b"\x78\x9c", then=b"\0\0\0\xff\xff" * 10_000),
    drip("gzip that drips", head("Content-Encoding: gzip") + b"\x1f\x8b\x08\x08\0\0\0\0\0\0"),
]  # fmt: skip
