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


@pytest.mark.parametrize(
    "charset",
    [
        "punycode",
        "idna",
        "undefined",
        "unicode_escape",
        "utf-7",
        "rot13",
        "zlib",
        "oem",
        "x" * 9_000,
    ],
)
def test_a_charset_that_no_page_has_is_not_looked_up(charset: str) -> None:
    # punycode takes hours for 10 MB, idna and undefined fail, utf-7 makes half surrogate pairs
    body = b"a-" + b"ab9" * 100_000 + b"+2AA-"
    response = Response(200, body, "", f"\r\nContent-Type: text/x; charset={charset}\r\n".encode())
    assert body_text(response) == body.decode()


def test_the_charsets_of_pages_are_known_by_their_names() -> None:
    for charset, text in {
        "ISO-8859-15": "€", "Windows-1252": "€", "koi8-r": "да", "Shift_JIS": "日本",
        "EUC-KR": "한", "GB18030": "中", "Big5": "中", "UTF-16LE": "ü", "us-ascii": "a",
        "utf8": "ü",
    }.items():  # fmt: skip
        head = f"\r\nContent-Type: text/x; charset={charset}\r\n".encode()
        assert body_text(Response(200, text.encode(charset), "", head)) == text
