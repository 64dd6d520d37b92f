"""Hostile responses, by name: what a server writes after any request, until the client leaves.

A case either floods or drips. One that floods runs into a limit of size or form; one that drips,
or says nothing, runs into the deadline, so that it is asked with a short one.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat

Pieces = Iterator[bytes]

TICK_S = 0.05
_PIECE = b"x" * 65_536
_HUGE = 20_000_000  # more than any body may have


@dataclass(frozen=True)
class Case:
    """What is written, and the time between two pieces in seconds."""

    name: str
    pieces: Callable[[], Pieces]
    tick_s: float = 0.0

    @property
    def is_slow(self) -> bool:
        """Whether only a deadline ends it."""
        return self.tick_s > 0


def _head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines]).encode() + b"\r\n\r\n"


def _whole(body: bytes, *lines: str) -> bytes:
    return _head(f"Content-Length: {len(body)}", *lines) + body


def _chunk(body: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(body), extension, body)


def _bytes_of(text: bytes) -> Pieces:
    return (bytes([each]) for each in text)


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
    """Pack 40 MB of zeros by each coding in turn."""
    body = bytes(_HUGE)
    for coding in codings:
        pack = _PACK.get(coding.strip('"').lower())
        body = pack(body) if pack else body
    return body


def _flood(name: str, *start: bytes, then: bytes) -> Case:
    return Case(name, lambda: chain(start, repeat(then)))


def _once(name: str, build: Callable[[], bytes]) -> Case:
    return Case(name, lambda: iter([build()]))


def _drip(name: str, start: bytes, each: bytes = b"x") -> Case:
    return Case(name, lambda: chain([start], repeat(each)), TICK_S)


def _encoded(*codings: str) -> Case:
    shown = ", ".join(codings)
    return _once(f"a bomb in {shown}",
                 lambda: _whole(_bomb(*codings), f"Content-Encoding: {shown}"))  # fmt: skip


def _not_asked_for(coding: str) -> Case:
    content = _whole(b"\x8b\x00\x80x\x03", f"Content-Encoding: {coding}")
    return _once(f"{coding} that was not asked for", lambda: content)


def _typed(name: str, build: Callable[[], bytes], content_type: str) -> Case:
    return _once(name, lambda: _whole(build(), f"Content-Type: {content_type}"))


CHUNKED = _head("Transfer-Encoding: chunked")

HEADS = [
    _flood("a status line without end", b"HTTP/1.1 200 ", then=_PIECE),
    _flood("a header line without end", b"HTTP/1.1 200 OK\r\nX-A: ", then=_PIECE),
    _flood("a header name without end", b"HTTP/1.1 200 OK\r\n", then=_PIECE),
    _flood("headers without end", b"HTTP/1.1 200 OK\r\n", then=b"X-A: 1\r\n" * 1000),
    _flood("folded lines without end", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", then=b" y\r\n" * 1000),
    _flood("headers without end that end in LF", b"HTTP/1.1 200 OK\n", then=b"X-A: 1\n" * 1000),
    _flood("cookies without end", b"HTTP/1.1 200 OK\r\n", then=b"Set-Cookie: a=b\r\n" * 1000),
    _flood("100 Continue without end", then=_head(status="100 Continue") * 500),
    _flood("103 Early Hints without end", then=_head("Link: </a>", status="103 Early Hints") * 500),
    _flood("102 Processing without end", then=_head(status="102 Processing") * 500),
    _flood("empty lines without end", then=b"\r\n" * 10_000),
    _flood("zero bytes without end", then=bytes(65_536)),
    _flood("noise without end", then=b"\x15\x03\x01\x00\x02\x02\x50" * 1000),
    _flood("a body without a head, without end", then=_PIECE),
    _once("an HTTP/2 preface", lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    _once("nothing at all", lambda: b""),
    _once("half a status line", lambda: b"HTTP/1.1 2"),
    _once("half a head", lambda: b"HTTP/1.1 200 OK\r\nContent-Le"),
    _once("two different lengths", lambda: _head("Content-Length: 1", "Content-Length: 2") + b"xy"),
    _once("a length that is no number", lambda: _head("Content-Length: many") + b"x"),
    _once("a length of 5,000 digits", lambda: _head(f"Content-Length: {'9' * 5000}") + b"x"),
    _once("a negative length", lambda: _head("Content-Length: -1") + b"x"),
    _drip("silence", b"", b""),
    _drip("a status line that drips", b"HTTP/1.1 200 "),
    _drip("a header that drips", b"HTTP/1.1 200 OK\r\nX-A: "),
    _drip("headers that drip", b"HTTP/1.1 200 OK\r\n", b"X-A: 1\r\n"),
    _drip("folded lines that drip", b"HTTP/1.1 200 OK\r\nX-A: 1\r\n", b" y\r\n"),
    _drip("100 Continue that drips", b"", _head(status="100 Continue")),
    _drip("a status line, then silence", b"HTTP/1.1 200 OK\r\n", b""),
]
BODIES = [
    _flood("a body without end", _head(), then=_PIECE),
    _flood("chunks without end", CHUNKED, then=_chunk(_PIECE)),
    _flood("a body of an exabyte", _head(f"Content-Length: {10**18}"), then=_PIECE),
    _flood("a chunk of an exabyte", CHUNKED, b"de0b6b3a7640000\r\n", then=_PIECE),
    _flood("a chunk extension without end", CHUNKED, b"1;a=", then=_PIECE),
    _flood("small chunks with large extensions", CHUNKED, then=_chunk(b"x", b";a=" + b"y" * 9000)),
    _flood("a chunk size without end", CHUNKED, then=b"0" * 65_536),
    _flood("trailers without end", CHUNKED, b"0\r\n", then=b"X-A: 1\r\n" * 1000),
    _flood("a trailer line without end", CHUNKED, b"0\r\nX-A: ", then=_PIECE),
    _flood("an event stream without end", _head("Content-Type: text/event-stream"),
           then=b"data: 1\n\n" * 1000),
    _flood("a body of line ends without end", _head(), then=b"\n" * 65_536),
    _once("a chunk size that is no number", lambda: CHUNKED + b"many\r\nx\r\n"),
    _once("a negative chunk size", lambda: CHUNKED + b"-5\r\nx\r\n"),
    _once("a chunk that is longer than its size", lambda: CHUNKED + b"1\r\nxyz\r\n0\r\n\r\n"),
    _once("a body that breaks off", lambda: _head("Content-Length: 100") + b"x"),
    _once("chunks that break off", lambda: CHUNKED + _chunk(b"x")),
    _once("a chunk that breaks off", lambda: CHUNKED + b"64\r\nx"),
    _once("trailers that break off", lambda: CHUNKED + b"0\r\nX-A"),
    _drip("a body that drips", _head(f"Content-Length: {10**6}")),
    _drip("a body without a length that drips", _head()),
    _drip("chunks that drip", CHUNKED, _chunk(b"x")),
    _drip("a chunk size that drips", CHUNKED, b"0"),
    _drip("a chunk extension that drips", CHUNKED + b"1;a="),
    _drip("trailers that drip", CHUNKED + b"0\r\n", b"X-A: 1\r\n"),
    _drip("a head, then silence", _head("Content-Length: 5"), b""),
]  # fmt: skip
ENCODINGS = [
    *(_encoded(*each) for each in [
        ("gzip",), ("x-gzip",), ("deflate",), ("GZIP",), ('"gzip"',),
        ("gzip", "gzip"), ("gzip", "gzip", "gzip"), ("gzip",) * 4, ("deflate", "deflate"),
        ("deflate", "gzip"), ("gzip", "deflate"), ("x-gzip", "gzip"), ("gzip", "identity", "gzip"),
        ("utf-8", "gzip"), ("gzip", "aws-chunked"),
    ]),
    _once("a bomb in raw deflate",
          lambda: _whole(_raw_deflate(bytes(_HUGE)), "Content-Encoding: deflate")),
    _once("a bomb in two headers", lambda: _whole(
        _bomb("gzip", "gzip"), "Content-Encoding: gzip", "Content-Encoding: gzip")),
    _once("a bomb in chunks", lambda: _head(
        "Transfer-Encoding: chunked", "Content-Encoding: gzip")
        + _chunk(_bomb("gzip")) + b"0\r\n\r\n"),
    _once("a bomb that ends with the connection",
          lambda: _head("Content-Encoding: gzip") + _bomb("gzip")),
    _once("five codings", lambda: _whole(_bomb(*["gzip"] * 5),
                                         f"Content-Encoding: {', '.join(['gzip'] * 5)}")),
    _once("5,000 codings", lambda: _whole(_bomb("gzip"),
                                          f"Content-Encoding: {','.join(['gzip'] * 5000)}")),
    _once("gzip that is none", lambda: _whole(b"no gzip", "Content-Encoding: gzip")),
    _once("deflate that is none", lambda: _whole(b"\xff\xff", "Content-Encoding: deflate")),
    _once("gzip that is cut", lambda: _whole(gzip.compress(b"x" * 99)[:-9],
                                             "Content-Encoding: gzip")),
    _once("a bomb that is cut", lambda: _head("Content-Length: 99999", "Content-Encoding: gzip")
          + _bomb("gzip")[:20_000]),
    _once("gzip, gzip of which one is none",
          lambda: _whole(gzip.compress(b"x"), "Content-Encoding: gzip, gzip")),
    *(_not_asked_for(coding) for coding in (
        "br", "zstd", "compress", "x-compress", "dcb", "dcz", "BR", "gzip, br", "br, gzip",
        "zstd, gzip", "utf-8, br",
    )),
    _flood("a file name in gzip without end", _head("Content-Encoding: gzip"),
           b"\x1f\x8b\x08\x08\0\0\0\0\0\0", then=_PIECE),
    _flood("empty blocks in deflate without end", _head("Content-Encoding: deflate"),
           b"\x78\x9c", then=b"\0\0\0\xff\xff" * 10_000),
    _drip("gzip that drips", _head("Content-Encoding: gzip") + b"\x1f\x8b\x08\x08\0\0\0\0\0\0"),
]  # fmt: skip
HTTP = [*HEADS, *BODIES, *ENCODINGS]

# Bodies that are not used as JSON, or are too much of it.
_DEEP = 100_000
JSON_BODIES: dict[str, Callable[[], bytes]] = {
    "lists 100,000 deep": lambda: b"[" * _DEEP + b"]" * _DEEP,
    "lists 100,000 deep and open": lambda: b"[" * _DEEP,
    "objects 100,000 deep": lambda: b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "both 100,000 deep": lambda: b'[{"a":' * _DEEP + b"1" + b"}]" * _DEEP,
    "lists 900 deep": lambda: b"[" * 900 + b"]" * 900,
    "objects 900 deep": lambda: b'{"a":' * 900 + b"1" + b"}" * 900,
    "lists 101 deep": lambda: b"[" * 101 + b"]" * 101,
    "a deep value beside a text of brackets": lambda: (
        b'{"a":"]]]]\\\\","b":' + b"[" * 200 + b"]" * 200 + b"}"
    ),
    "three million lists": lambda: b"[" + b"[]," * 3_000_000 + b"[]]",
    "a million objects": lambda: b"[" + b'{"a":1},' * 1_000_000 + b"{}]",
    "four million numbers": lambda: b"[" + b"1," * 4_000_000 + b"1]",
    "a million keys": lambda: json.dumps(dict.fromkeys(map(str, range(600_000)), 1)).encode(),
    "an integer of a million digits": lambda: b"9" * 1_000_000,
    "no UTF-8": lambda: b'{"a":"\xff"}',
    "a text without end": lambda: b'"' + b"x" * 1_000_000,
    "backslashes without end": lambda: b'"' + b"\\" * 1_000_001,
    "HTML": lambda: b"<html>" * 100_000,
    "zeros": lambda: bytes(1_000_000),
    "an empty body": lambda: b"",
}
JSON = [_typed(f"JSON: {name}", build, "application/json") for name, build in JSON_BODIES.items()]
# Pages of metrics that are well-formed HTTP.
PAGES = [
    _typed(f"a page of {name}", build, "text/plain")
    for name, build in {
        "200,000 samples": lambda: b"a 1\n" * 200_000,
        "a million empty lines": lambda: b"a 1\n" + b"\n" * 1_000_000,
        "400,000 comments": lambda: b"a 1\n" + b"#\n" * 400_000,
        "one long line": lambda: b"a" * 1_000_000,
        "one long label": lambda: b'a{b="' + b"c" * 1_000_000 + b'"} 1\n',
        "100,000 labels": lambda: b"a{" + b'b="c",' * 100_000 + b"} 1\n",
        "one long comment": lambda: b"# HELP a " + b"x" * 1_000_000 + b"\na 1\n",
        "one long value": lambda: b"a " + b"9" * 1_000_000 + b"\n",
    }.items()
]
WELL = _once("a response that is well", lambda: _whole(b'{"a": 1, "b": 2}'))
BY_NAME = {case.name: case for case in [*HTTP, *JSON, *PAGES]}


def slug(case: Case) -> str:
    """Return the path segment that selects a case."""
    return f"case-{list(BY_NAME).index(case.name)}"


BY_SLUG = {slug(case): case for case in BY_NAME.values()}
