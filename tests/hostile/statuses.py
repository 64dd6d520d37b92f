"""Status lines that are no success, whatever a client makes of them."""

from tests.hostile.case import Case, head, sent

_BODY = b'{"a": 1, "b": 2}'


def _line(name: str, line: bytes) -> Case:
    fields = b"\r\nContent-Length: 16\r\n\r\n"
    return sent(name, line, fields, _BODY)


STATUSES = [
    _line("status 0", b"HTTP/1.1 0 OK"),
    _line("status 000", b"HTTP/1.1 000 OK"),
    _line("status 20", b"HTTP/1.1 20 OK"),
    _line("status 99", b"HTTP/1.1 99 OK"),
    _line("status 600", b"HTTP/1.1 600 OK"),
    _line("status 999", b"HTTP/1.1 999 OK"),
    _line("status 1000", b"HTTP/1.1 1000 OK"),
    _line("status 2000", b"HTTP/1.1 2000 OK"),
    _line("a status of 5,000 digits", b"HTTP/1.1 " + b"2" * 5000),
    _line("a negative status", b"HTTP/1.1 -200 OK"),
    _line("a status with a sign", b"HTTP/1.1 +200 OK"),
    _line("a status in hexadecimal", b"HTTP/1.1 0xC8 OK"),
    _line("a status with a fraction", b"HTTP/1.1 200.0 OK"),
    _line("a status in full-width digits", "HTTP/1.1 ２００ OK".encode()),
    _line("a status of words", b"HTTP/1.1 OK 200"),
    _line("no status", b"HTTP/1.1"),
    _line("a tab before the status", b"HTTP/1.1\t200 OK"),
    _line("two spaces before the status", b"HTTP/1.1  200 OK"),
    _line("a NUL in the status", b"HTTP/1.1 2\x0000 OK"),
    _line("HTTP in small letters", b"http/1.1 200 OK"),
    _line("HTTP/0.9", b"HTTP/0.9 200 OK"),
    _line("HTTP/1", b"HTTP/1 200 OK"),
    _line("HTTP/1.10", b"HTTP/1.10 200 OK"),
    _line("HTTP/2", b"HTTP/2 200"),
    _line("HTTP/2.0", b"HTTP/2.0 200 OK"),
    _line("HTTP/9.9", b"HTTP/9.9 200 OK"),
    _line("ICY, as of radio streams", b"ICY 200 OK"),
    _line("RTSP", b"RTSP/1.0 200 OK"),
    _line("a request for a response", b"GET / HTTP/1.1\r\nHost: a"),
    sent("101 that was not asked for", head("Upgrade: h2c", status="101 Switching Protocols")),
    sent("204 with a body", head("Content-Length: 16", status="204 No Content"), _BODY),
    sent("205 with a body", head("Content-Length: 16", status="205 Reset Content"), _BODY),
    sent("206 that was not asked for",
         head("Content-Length: 16", "Content-Range: bytes 0-15/99", status="206 Partial Content"),
         _BODY),
    sent("304 with a body", head("Content-Length: 16", status="304 Not Modified"), _BODY),
    sent("401 without a challenge", head("Content-Length: 0", status="401 Unauthorized")),
    sent("407 of a proxy", head('Proxy-Authenticate: Basic realm="a"', "Content-Length: 0",
                                status="407 Proxy Authentication Required")),
    sent("421 of a proxy", head("Content-Length: 0", status="421 Misdirected Request")),
    sent("426 Upgrade Required", head("Upgrade: HTTP/3.0", "Content-Length: 0",
                                      status="426 Upgrade Required")),
    sent("429 until the next century", head("Retry-After: 9999999999", "Content-Length: 0",
                                            status="429 Too Many Requests")),
    sent("503 that is to be tried again at once", head("Retry-After: -1", "Content-Length: 0",
                                                       status="503 Service Unavailable")),
    *(
        sent(f"302 to {target[:40]}", head(f"Location: {target}", "Content-Length: 0",
                                           status="302 Found"))
        for target in (
            "/", "", "//evil.example/", "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)",
            "http://127.0.0.1:1/", "http://[::1", "http://a:b@127.0.0.1:99999/", "\\\\evil\\share",
            "https://" + "a" * 9000, "data:application/json,{}",
        )
    ),
    sent("302 without a location", head("Content-Length: 0", status="302 Found")),
    sent("302 with two locations", head("Location: /a", "Location: /b", "Content-Length: 0",
                                        status="302 Found")),
    sent("308 to itself", head("Location: ?", "Content-Length: 0", status="308 Permanent")),
    sent("300 of many", head("Content-Length: 0", status="300 Multiple Choices")),
]  # fmt: skip
