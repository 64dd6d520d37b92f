"""Responses that mean `{"a": 1, "b": 2}`, oddly: they are read as that, or refused."""

import gzip
import json
import zlib
from dataclasses import replace

from tests.hostile.case import CHUNKED, Case, chunk, head, once, sent, whole

_BODY = b'{"a": 1, "b": 2}'
_LENGTH = "Content-Length: 16"


def _with(name: str, *lines: bytes) -> Case:
    """Return a response with these header lines beside its length."""
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n"
    return sent(name, start, b"\r\n".join(lines), b"\r\n\r\n", _BODY)


def _framed(name: str, *lines: str, body: bytes = _BODY) -> Case:
    return sent(name, head(*lines), body)


def _packed(name: str, body: bytes, coding: str = "gzip") -> Case:
    return once(name, lambda: whole(body, f"Content-Encoding: {coding}"))


def _json(name: str, body: bytes, content_type: str = "application/json") -> Case:
    return once(name, lambda: whole(body, f"Content-Type: {content_type}"))


_GZIP = gzip.compress(_BODY)
ODD_STATUSES = [
    sent("no reason phrase", b"HTTP/1.1 200\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("no reason phrase, but its space", b"HTTP/1.1 200 \r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("a reason phrase of 8-bit characters",
         b"HTTP/1.1 200 \xe4\xff\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("a reason phrase with a NUL", b"HTTP/1.1 200 O\0K\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("a reason phrase with a command", b"HTTP/1.1 200 ::error::OK\r\n",
         b"Content-Length: 16\r\n\r\n", _BODY),
    sent("a reason phrase of 9,000 characters", b"HTTP/1.1 200 ", b"x" * 9000,
         b"\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("HTTP/1.0 without a length", b"HTTP/1.0 200 OK\r\n\r\n", _BODY),
    sent("201 of another kind", head(_LENGTH, status="201 Created"), _BODY),
    sent("299 of no kind", head(_LENGTH, status="299 Odd"), _BODY),
    sent("100 Continue first", head(status="100 Continue"), head(_LENGTH), _BODY),
    sent("103 Early Hints first", head("Link: </a>", status="103 Early Hints"), head(_LENGTH),
         _BODY),
    sent("199 first", head(status="199 Odd"), head(_LENGTH), _BODY),
    sent("100 Continue with a length", head("Content-Length: 5", status="100 Continue"),
         head(_LENGTH), _BODY),
    sent("empty lines first", b"\r\n\r\n", head(_LENGTH), _BODY),
    sent("a byte order mark first", b"\xef\xbb\xbf", head(_LENGTH), _BODY),
]  # fmt: skip
ODD_FRAMINGS = [
    _framed("a length twice", _LENGTH, _LENGTH),
    _framed("a list of lengths", "Content-Length: 16, 16"),
    _framed("a length with a sign", "Content-Length: +16"),
    _framed("a length with zeros before", "Content-Length: 0000000016"),
    _framed("a length in hexadecimal", "Content-Length: 0x10"),
    _framed("a length with a fraction", "Content-Length: 16.0"),
    _framed("a length with an underscore", "Content-Length: 1_6"),
    _framed("a length in quotes", 'Content-Length: "16"'),
    _framed("an empty length", "Content-Length: "),
    _framed("a length with a tab", "Content-Length:\t16\t"),
    _framed("a length and chunks", _LENGTH, "Transfer-Encoding: chunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("a wrong length and chunks", "Content-Length: 3", "Transfer-Encoding: chunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("a length and identity", _LENGTH, "Transfer-Encoding: identity"),
    _framed("identity alone", "Transfer-Encoding: identity"),
    _framed("CHUNKED", "Transfer-Encoding: CHUNKED", body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("chunked twice", "Transfer-Encoding: chunked, chunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("chunked in two headers", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("chunked that is not last", "Transfer-Encoding: chunked, identity",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("xchunked", "Transfer-Encoding: xchunked", body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("chunked in quotes", 'Transfer-Encoding: "chunked"', body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    _framed("gzip as a transfer coding", "Transfer-Encoding: gzip, chunked",
            body=chunk(_GZIP) + b"0\r\n\r\n"),
    _framed("a transfer coding in HTTP/1.0", "Transfer-Encoding: chunked",
            body=chunk(_BODY) + b"0\r\n\r\n"),
    sent("chunk sizes with zeros before", CHUNKED, b"00000000010\r\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("a chunk size that overflows 64 bits", CHUNKED, b"10000000000000010\r\n", _BODY,
         b"\r\n0\r\n\r\n"),
    sent("a chunk size with 0x", CHUNKED, b"0x10\r\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("a chunk size with a sign", CHUNKED, b"+10\r\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("a chunk size with spaces", CHUNKED, b"10   \r\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("an empty chunk size", CHUNKED, b"\r\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("chunks with bare LF", CHUNKED, b"10\n", _BODY, b"\n0\n\n"),
    sent("chunks with bare CR", CHUNKED, b"10\r", _BODY, b"\r0\r\r"),
    sent("a chunk extension in quotes", CHUNKED, b'10;a="\\"\r"\r\n', _BODY, b"\r\n0\r\n\r\n"),
    sent("a chunk extension with bare LF", CHUNKED, b"10;a\n", _BODY, b"\r\n0\r\n\r\n"),
    sent("no end of the last chunk", CHUNKED, chunk(_BODY)),
    sent("half an end of the last chunk", CHUNKED, chunk(_BODY), b"0\r\n"),
    sent("no line end behind a chunk", CHUNKED, b"10\r\n", _BODY, b"0\r\n\r\n"),
    sent("trailers that are forbidden", CHUNKED, chunk(_BODY), b"0\r\nContent-Length: 3\r\n",
         b"Transfer-Encoding: gzip\r\n\r\n"),
    sent("a trailer without a colon", CHUNKED, chunk(_BODY), b"0\r\nodd\r\n\r\n"),
    sent("one chunk per byte", CHUNKED, *(chunk(bytes([each])) for each in _BODY), b"0\r\n\r\n"),
]  # fmt: skip
# What comes with a response, or after it, belongs to no request.
_STRAYS = [
    sent("a second response behind it", whole(_BODY), whole(b'{"a": 7, "b": 8}')),
    sent("half a second response behind it", whole(_BODY), b"HTTP/1.1 200 OK\r\nContent-Le"),
    sent("noise behind it", whole(_BODY), b"\0\xff" * 40),
    sent("line ends behind it", whole(_BODY), b"\r\n" * 40),
    _framed("a body that is longer than its length", _LENGTH, body=_BODY + b"x" * 99),
    sent("a stray response in chunks", whole(_BODY), CHUNKED, chunk(b'{"a": 7}'), b"0\r\n\r\n"),
    sent("a stray 100 Continue", whole(_BODY), head(status="100 Continue")),
    sent("a stray head", whole(_BODY), head("Content-Length: 99")),
    sent("a stray 408 of a server that closes", whole(_BODY),
         head("Connection: close", "Content-Length: 0", status="408 Request Timeout")),
    sent("chunks with a response behind them", CHUNKED, chunk(_BODY), b"0\r\n\r\n",
         whole(b'{"a": 7, "b": 8}')),
]  # fmt: skip
STRAYS = [replace(case, stays_open=True) for case in _STRAYS]
ODD_HEADS = [
    sent("lines that end in LF", b"HTTP/1.1 200 OK\nContent-Length: 16\n\n", _BODY),
    sent("lines that end in CR", b"HTTP/1.1 200 OK\rContent-Length: 16\r\r", _BODY),
    _with("a folded line", b"X-A: b", b" c"),
    _with("a folded line of spaces", b"X-A: b", b"   "),
    sent("a folded first line", b"HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 16\r\n\r\n", _BODY),
    sent("a folded length", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 16\r\n\r\n", _BODY),
    _with("an empty name", b": b"),
    _with("a space before the colon", b"X-A : b"),
    _with("a name with a space", b"X A: b"),
    _with("a name of 8-bit characters", b"X-\xe4: b"),
    _with("a name with a NUL", b"X-\0: b"),
    _with("a name with brackets", b"X-(A): b"),
    _with("a name of 9,000 characters", b"X" * 9000 + b": b"),
    _with("no colon", b"X-A"),
    _with("only a colon", b":"),
    _with("a value of 8-bit characters", b"X-A: \xff\xfe\xe4"),
    _with("a value with a NUL", b"X-A: a\0b"),
    _with("a value with a CR", b"X-A: a\rb"),
    _with("a value with an escape sequence", b"X-A: \x1b]0;title\x07\x1b[2J"),
    _with("a value with all control characters", b"X-A: " + bytes(range(1, 9))),
    _with("a header that injects another", b"X-A: b\r\nX-Admin: true"),
    _with("400 cookies", *[b"Set-Cookie: a%d=b; Path=/" % each for each in range(400)]),
    _with("a cookie of another host", b"Set-Cookie: a=b; Domain=example.com; Secure"),
    _with("a content type that is none", b"Content-Type: ;;;,,,/"),
    _with("a content type twice", b"Content-Type: text/html", b"Content-Type: application/json"),
    _with("a charset that is none", b"Content-Type: application/json; charset=\xff\xff"),
    _with("a charset that is a codec", b"Content-Type: application/json; charset=zlib"),
    _with("a date that is none", b"Date: yesterday"),
    _with("a date beyond time", b"Date: Fri, 31 Dec 99999 23:59:59 GMT"),
    _with("a date before time", b"Date: Thu, 01 Jan 0000 00:00:00 GMT"),
    _with("two dates", b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"Date: now"),
    _with("an age of 5,000 digits", b"Age: " + b"9" * 5000),
    _with("a connection that is upgraded", b"Connection: Upgrade", b"Upgrade: websocket"),
    _with("a connection header of nonsense", b"Connection: keep-alive, close, ,,,;;"),
    _with("a keep-alive of nonsense", b"Keep-Alive: timeout=-1, max=99999999999999999999"),
    _with("an alternative service", b'Alt-Svc: h3="evil.example:443"; ma=99999999'),
    _with("strict transport security", b"Strict-Transport-Security: max-age=99999999"),
    _with("a refresh to elsewhere", b"Refresh: 0; url=http://evil.example/"),
    _with("a trace id that was not sent", b"X-Trace-ID: ../../etc/passwd"),
]  # fmt: skip
ODD_ENCODINGS = [
    _packed("a gzip with noise behind it", _GZIP + b"noise"),
    _packed("a gzip with zeros behind it", _GZIP + bytes(99)),
    _packed("two gzip members", gzip.compress(_BODY[:7]) + gzip.compress(_BODY[7:])),
    _packed("a gzip without its checksum", _GZIP[:-8]),
    _packed("a gzip without its length", _GZIP[:-4]),
    _packed("a gzip with a wrong checksum", _GZIP[:-8] + bytes(4) + _GZIP[-4:]),
    _packed("a gzip with a wrong length", _GZIP[:-4] + bytes(4)),
    _packed("a gzip that ends within its head", _GZIP[:5]),
    _packed("a gzip of another method", _GZIP[:2] + b"\7" + _GZIP[3:]),
    _packed("a gzip with all its flags", _GZIP[:3] + b"\xff" + _GZIP[4:]),
    _packed("zlib that is called gzip", zlib.compress(_BODY)),
    _packed("gzip that is called deflate", _GZIP, "deflate"),
    _packed("a deflate with noise behind it", zlib.compress(_BODY) + b"noise", "deflate"),
    _packed("a deflate without its checksum", zlib.compress(_BODY)[:-4], "deflate"),
    _packed("a deflate that needs a dictionary",
            b"\x78\xbb" + zlib.compress(_BODY)[2:], "deflate"),
    _packed("a deflate that is raw", zlib.compress(_BODY)[2:-4], "deflate"),
    _packed("an encoding that is identity", _BODY, "identity"),
    _packed("an encoding that is empty", _BODY, ""),
    _packed("an encoding that is a list of nothing", _BODY, ", ,,"),
    _packed("an encoding that is a charset", _BODY, "utf-8"),
    _packed("an encoding with a parameter", _GZIP, "gzip;q=1.0"),
    _packed("an encoding of 9,000 characters", _BODY, "x" * 9000),
    _packed("plain JSON that is called gzip", _BODY),
]  # fmt: skip
ODD_JSON = [
    _json("JSON in UTF-8 with a byte order mark", b"\xef\xbb\xbf" + _BODY),
    _json("JSON in UTF-16", _BODY.decode().encode("utf-16"), "application/json; charset=utf-16"),
    _json("JSON in UTF-32", _BODY.decode().encode("utf-32"), "application/json; charset=utf-32"),
    _json("JSON in Latin-1", b'{"a": 1, "b": 2, "c": "\xe4"}', "application/json; charset=latin-1"),
    _json("JSON with a lone surrogate", b'{"a": 1, "b": 2, "c": "\\ud800"}'),
    _json("JSON with two lone surrogates", b'{"a": 1, "b": 2, "c": "\\udc00\\ud800"}'),
    _json("JSON with a NUL in a text", b'{"a": 1, "b": 2, "c": "\\u0000"}'),
    _json("JSON with a raw NUL", b'{"a": 1, "b": 2, "c": "\0"}'),
    _json("JSON with a raw line end", b'{"a": 1, "b": 2, "c": "x\ny"}'),
    _json("JSON with an escape that is none", b'{"a": 1, "b": 2, "c": "\\x41"}'),
    _json("JSON with the same key twice", b'{"a": 7, "b": 2, "a": 1}'),
    _json("JSON with a prototype", b'{"__proto__": {"a": 7}, "a": 1, "b": 2}'),
    _json("JSON with NaN", b'{"a": 1, "b": 2, "c": NaN}'),
    _json("JSON with Infinity", b'{"a": 1, "b": 2, "c": -Infinity}'),
    _json("JSON with 1e999", b'{"a": 1, "b": 2, "c": 1e999}'),
    _json("JSON with 1e-999", b'{"a": 1, "b": 2, "c": 1e-999}'),
    _json("JSON with a number of 10,000 digits", b'{"a": 1, "b": 2, "c": %s}' % (b"9" * 10_000)),
    _json("JSON with a fraction of 10,000 digits",
          b'{"a": 1, "b": 2, "c": 0.%s}' % (b"9" * 10_000)),
    _json("JSON with a zero before a number", b'{"a": 01, "b": 2}'),
    _json("JSON with a sign before a number", b'{"a": +1, "b": 2}'),
    _json("JSON with a minus zero", b'{"a": 1, "b": 2, "c": -0}'),
    _json("JSON with a number in hexadecimal", b'{"a": 0x1, "b": 2}'),
    _json("JSON with a comma at the end", b'{"a": 1, "b": 2,}'),
    _json("JSON with comments", b'/* */ {"a": 1, "b": 2} // odd'),
    _json("JSON in single quotes", b"{'a': 1, 'b': 2}"),
    _json("JSON without quotes", b"{a: 1, b: 2}"),
    _json("JSON with noise behind it", _BODY + b" odd"),
    _json("JSON with JSON behind it", _BODY + b'\n{"a": 7, "b": 8}'),
    _json("JSON with NUL behind it", _BODY + b"\0"),
    _json("JSON behind a guard", b")]}',\n" + _BODY),
    _json("JSON in a call", b"a(" + _BODY + b")"),
    _json("JSON in a text of JSON", json.dumps(_BODY.decode()).encode()),
    _json("JSON that is not ended", _BODY[:-1]),
    _json("JSON in a list", b"[" + _BODY + b"]"),
    _json("JSON that is a number", b"1"),
    _json("JSON that is null", b"null"),
    _json("JSON with values of other types", b'{"a": "1", "b": [2]}'),
    _json("JSON with values that nearly are these", b'{"a": 1.0000000000000002, "b": 2}'),
    _json("JSON with true for 1", b'{"a": true, "b": 2}'),
    _json("JSON in a document of HTML", _BODY, "text/html"),
    _json("JSON of a problem", _BODY, "application/problem+json"),
    _json("JSON in many white spaces", b" \t\r\n" * 99_999 + _BODY),
    _json("JSON between form feeds", b"\f" + _BODY + b"\f"),
]  # fmt: skip
ODD = [*ODD_STATUSES, *ODD_FRAMINGS, *STRAYS, *ODD_HEADS, *ODD_ENCODINGS, *ODD_JSON]
