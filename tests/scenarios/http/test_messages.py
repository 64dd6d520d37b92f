import pytest

from scenarios.http.messages import (
    Origin,
    Request,
    RequestTemplate,
    Response,
    header_value,
    split_url,
)

SHOP = split_url("https://shop.example/v2/")[0]


@pytest.mark.parametrize(
    ("url", "origin", "base"),
    [
        ("http://a", (False, "a", 80, "a"), ""),
        ("https://a:8443/x/", (True, "a", 8443, "a:8443"), "/x"),
        ("http://[::1]:8000", (False, "::1", 8000, "[::1]:8000"), ""),
        ("http://user:secret@a/", (False, "a", 80, "a"), ""),
    ],
)
def test_a_url_is_split_into_origin_and_path(
    url: str, origin: tuple[bool, str, int, str], base: str
) -> None:
    assert split_url(url) == (Origin(*origin), base)


def test_a_request_has_the_default_headers_unless_its_step_gives_them() -> None:
    template = RequestTemplate("POST", SHOP, (("user-agent", "mine"),), 1.0)
    names = [name.lower() for name, _ in template.headers]
    assert len(names) == len(set(names))
    assert dict(template.headers)["user-agent"] == "mine"
    assert {"host", "accept", "accept-encoding"} < set(names)


@pytest.mark.parametrize(("method", "has_length"), [("POST", True), ("PUT", True), ("GET", False)])
def test_a_request_that_may_have_a_body_says_that_it_has_none(
    method: str, has_length: bool
) -> None:
    template = RequestTemplate(method, SHOP, (), 1.0)
    assert ("Content-Length: 0" in template.bodiless) == has_length


def test_the_url_of_a_request_is_that_of_its_origin() -> None:
    template = RequestTemplate("GET", SHOP, (), 1.0)
    assert Request(template, "/v2/cards", "t-1").url == "https://shop.example/v2/cards"


def test_a_header_is_found_in_the_head_only_under_its_whole_name() -> None:
    head = b"http/1.1 200 ok\r\nx-content-type: no\r\ncontent-type:  text/plain \r\n"
    assert header_value(head, b"content-type") == b"text/plain"
    assert header_value(head, b"type") == b""
    assert Response(200, b"", head=head).content_type == "text/plain"
