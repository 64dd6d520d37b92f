"""Hostile streams of server-sent events."""

import gzip
import zlib

from tests.hostile.case import PIECE, chunk, drip, flood, head, once

_TYPE = "Content-Type: text/event-stream"
_CHUNKED = head(_TYPE, "Transfer-Encoding: chunked")
_UNTIL_CLOSE = head(_TYPE)
_GZIP = head(_TYPE, "Content-Encoding: gzip", "Transfer-Encoding: chunked")
_EVENT = b'data: {"a": 1}\n\n'


def _bomb() -> bytes:
    """Return gzip of an event of 100 MB."""
    compressor = zlib.compressobj(9, wbits=31)
    zeros = b"".join(compressor.compress(b"data: " + bytes(1_000_000)) for _ in range(100))
    return head(_TYPE, "Content-Encoding: gzip") + zeros + compressor.flush()


STREAMS = [
    flood("events without end", _CHUNKED, then=chunk(_EVENT)),
    flood("large events without end", _CHUNKED, then=chunk(b"data: " + PIECE + b"\n\n")),
    flood("an event of lines without end", _CHUNKED, then=chunk(b"data: x\n" * 1_000)),
    flood("a line without end", _CHUNKED, chunk(b"data: "), then=chunk(PIECE)),
    flood("a comment without end", _CHUNKED, chunk(b": "), then=chunk(PIECE)),
    flood("comments without end", _CHUNKED, then=chunk(b": ping\n\n" * 1_000)),
    flood("blank lines without end", _CHUNKED, then=chunk(b"\n" * 10_000)),
    flood("carriage returns without end", _CHUNKED, then=chunk(b"\r" * 10_000)),
    flood("an id without end", _CHUNKED, chunk(b"id: "), then=chunk(PIECE)),
    flood("NUL bytes without end", _UNTIL_CLOSE, then=bytes(65_536)),
    drip("events that drip", _UNTIL_CLOSE, _EVENT),
    drip("a line that drips", _UNTIL_CLOSE + b"data: "),
    drip("comments that drip", _UNTIL_CLOSE, b": ping\n\n"),
    drip("silence after an event", _CHUNKED + chunk(_EVENT), b""),
    once("an event of 100 MB in gzip", _bomb),
    once("gzip that is none", lambda: _GZIP + chunk(_EVENT) + b"0\r\n\r\n"),
    once("half a gzip", lambda: _GZIP + chunk(gzip.compress(_EVENT)[:-9]) + b"0\r\n\r\n"),
    once("a stream that ends within an event", lambda: _UNTIL_CLOSE + _EVENT + b"data: {"),
    once("a stream that ends after a line", lambda: _UNTIL_CLOSE + _EVENT + b"data: {}\n"),
    once("a stream cut off within a chunk", lambda: _CHUNKED + b"ff\r\n" + _EVENT),
    once("a chunk that is none", lambda: _CHUNKED + chunk(_EVENT) + b"zz\r\n"),
    once("an event that is not UTF-8", lambda: _UNTIL_CLOSE + b"data: \xff\xfe\0\n\n"),
    once("an event of 900 lists", lambda: _UNTIL_CLOSE + b"data: " + b"[" * 900 + b"\n\n"),
    once("events of another type", lambda: head("Content-Type: text/html") + _EVENT),
    once("a stream without an event", lambda: _UNTIL_CLOSE),
]
# What each must be named as.
REASONS = {
    "events without end": "the stream has more than 10,000 events, after 10,000 events",
    "large events without end": "the body is over 10,000,000 bytes, after",
    "a line without end": "the body is over 10,000,000 bytes, after 0 events",
    "comments without end": "the stream has more than 500,000 lines, after 0 events",
    "blank lines without end": "the stream has more than 500,000 lines, after 0 events",
    "carriage returns without end": "the stream has more than 500,000 lines, after 0 events",
    "events that drip": "the body did not end in time, after",
    "silence after an event": "the body did not end in time, after 1 event",
    "an event of 100 MB in gzip": "the body is over 10,000,000 bytes after decoding",
    "gzip that is none": "the body is not valid gzip, after 0 events",
    "a stream that ends within an event": "the stream ended within an event, after 1 event",
    "a stream that ends after a line": "the stream ended within an event, after 1 event",
    "a stream cut off within a chunk": "the body broke off: it was closed before its end, after 1",
    "events of another type":
        "the response is no stream of the type text/event-stream: text/html",
    "a stream without an event": "0 events, expected at least 1",
}  # fmt: skip
