"""Bodies and framings that no client uses."""

from tests.hostile.case import CHUNKED, PIECE, chunk, drip, flood, head, once

BODIES = [
    flood("a body without end", head(), then=PIECE),
    flood("chunks without end", CHUNKED, then=chunk(PIECE)),
    flood("a body of an exabyte", head(f"Content-Length: {10**18}"), then=PIECE),
    flood("a chunk of an exabyte", CHUNKED, b"de0b6b3a7640000\r\n", then=PIECE),
    flood("a chunk extension without end", CHUNKED, b"1;a=", then=PIECE),
    flood("small chunks with large extensions", CHUNKED, then=chunk(b"x", b";a=" + b"y" * 9000)),
    flood("a chunk size without end", CHUNKED, then=b"0" * 65_536),
    flood("trailers without end", CHUNKED, b"0\r\n", then=b"X-A: 1\r\n" * 1000),
    flood("a trailer line without end", CHUNKED, b"0\r\nX-A: ", then=PIECE),
    flood("an event stream without end", head("Content-Type: text/event-stream"),
           then=b"data: 1\n\n" * 1000),
    flood("a body of line ends without end", head(), then=b"\n" * 65_536),
    once("a chunk size that is no number", lambda: CHUNKED + b"many\r\nx\r\n"),
    once("a negative chunk size", lambda: CHUNKED + b"-5\r\nx\r\n"),
    once("a chunk that is longer than its size", lambda: CHUNKED + b"1\r\nxyz\r\n0\r\n\r\n"),
    once("a body that breaks off", lambda: head("Content-Length: 100") + b"x"),
    once("chunks that break off", lambda: CHUNKED + chunk(b"x")),
    once("a chunk that breaks off", lambda: CHUNKED + b"64\r\nx"),
    once("trailers that break off", lambda: CHUNKED + b"0\r\nX-A"),
    drip("a body that drips", head(f"Content-Length: {10**6}")),
    drip("a body without a length that drips", head()),
    drip("chunks that drip", CHUNKED, chunk(b"x")),
    drip("a chunk size that drips", CHUNKED, b"0"),
    drip("a chunk extension that drips", CHUNKED + b"1;a="),
    drip("trailers that drip", CHUNKED + b"0\r\n", b"X-A: 1\r\n"),
    drip("a head, then silence", head("Content-Length: 5"), b""),
]  # fmt: skip
