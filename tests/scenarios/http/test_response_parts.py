import pytest

from scenarios.http.messages import Response
from scenarios.http.response_parts import body_text, header_text, set_cookie_value

HEAD = (
    b"HTTP/1.1 200 OK\r\nX-Etag: no\r\neTag:  One \r\nVia: a\r\nvia: b\r\n"
    b"Set-Cookie: sid=1; Path=/\r\nset-cookie: sid=Two==; Secure\r\nName: Gr\xfc\xc3\xbc\r\n"
)


@pytest.mark.parametrize(
    ("name", "text"),
    [("ETag", "One"), ("VIA", "a, b"), ("tag", None), ("HTTP/1.1 200 OK", None)],
)
def test_a_header_is_found_under_its_whole_name_in_any_case(name: str, text: str | None) -> None:
    assert header_text(HEAD, name) == text


def test_a_header_is_utf_8_or_else_latin_1() -> None:
    assert header_text(HEAD, "Name") == "GrüÃ¼"
    assert header_text("HTTP/1.1 200\r\nName: Grü\r\n".encode(), "Name") == "Grü"


def test_the_cookie_that_is_set_last_counts_in_its_own_case() -> None:
    assert set_cookie_value(HEAD, "sid") == "Two=="
    assert set_cookie_value(HEAD, "SID") is None


def test_a_body_is_text_whatever_bytes_it_has() -> None:
    assert body_text(Response(200, b"a\xff")) == "a\ufffd"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; Charset=UTF-16LE\r\n"
    assert body_text(Response(200, "ä".encode("utf-16le"), head=head)) == "ä"
