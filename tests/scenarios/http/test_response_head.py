import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.response_head import final_head, plain_response

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (OK + b"A: B\r\n\r\nC", b"HTTP/1.1 200 OK\r\nA: B\r\n"),
        (b"HTTP/1.1 103 Hints\r\n\r\n" + OK + b"A: B\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: B\r\n"),
        (b"\r\n\r\n" + OK + b"A: B\r\n\r\nC", b"HTTP/1.1 200 OK\r\nA: B\r\n"),
        (b"HTTP/1.1 101 Switching\r\nA: B\r\n\r\nrest", b"HTTP/1.1 101 Switching\r\nA: B\r\n"),
    ],
)  # fmt: skip
def test_the_final_head_is_that_of_the_response(data: bytes, head: bytes) -> None:
    assert final_head(data) == head


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (b"Content-Length: 2\r\nCONTENT-LENGTH: 2\r\n", b"Content-Length: 2\r\n"),
        (b"Content-Length: 2,2\r\n", b"Content-Length: 2\r\n"),
        (b"Content-Length: 2\r\nContent-Length: 02\r\n", b"Content-Length: 2\r\n"),
        (b"A: b\r\n  c\r\n\td\r\n", b"A: b c d\r\n"),
        (b"A : b\n", b"A: b\r\n"),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n"),
        (b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n", b"Content-Length: 2\r\n"),
    ],
)
def test_a_legal_head_has_a_plain_form(head: bytes, plain: bytes) -> None:
    assert plain_response(OK + head + b"\r\n{}") == OK + plain + b"\r\n{}"


def test_informational_heads_are_left_out() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\n"
    assert plain_response(early + OK + b"\r\n") == OK + b"\r\n"
    assert plain_response(early) is None


@pytest.mark.parametrize(
    "head", [b"Content-Length: 2\r\nContent-Length: 3\r\n", b"Content-Length: 2, \r\n", b"A b\r\n"]
)
def test_a_head_that_means_nothing_certain_has_no_plain_form(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"Content-Length|colon"):
        plain_response(OK + head + b"\r\n")


def test_what_does_not_begin_with_a_status_line_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="status line"):
        plain_response(b"SSH-2.0-OpenSSH_9\r\n")


@given(st.binary())
def test_any_bytes_are_rewritten_or_refused(data: bytes) -> None:
    try:
        plain = plain_response(OK + data)
    except ValueError:
        return
    assert plain is None or plain.startswith(b"HTTP/1.")
