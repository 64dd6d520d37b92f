"""Cookies: which are kept, for how long, and with which requests they are sent."""

import pytest

from scenarios.http.cookies import CookieJar, parse_cookie
from scenarios.http.messages import Request, RequestTemplate, Response, split_url

NOW_AT = 1_700_000_000.0


def request(url: str) -> Request:
    origin, target = split_url(url)
    return Request(RequestTemplate("GET", origin, (), 1.0), target or "/", "t")


def answer(*cookies: str) -> Response:
    lines = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
    return Response(200, b"", head=f"HTTP/1.1 200 OK\r\n{lines}".encode())


def sent(jar: CookieJar, url: str) -> str:
    return dict(jar.added_to(request(url)).headers).get("Cookie", "")


def after(url: str, *cookies: str) -> CookieJar:
    jar = CookieJar()
    jar.keep(request(url), answer(*cookies))
    return jar


@pytest.mark.parametrize(
    ("cookie", "sent_to", "not_sent_to"),
    [
        ("a=1", ["http://shop.example/x/y", "http://shop.example:81/x/", "https://SHOP.example/x/z"],
         ["http://api.shop.example/x/y", "http://example/x/y", "http://shop.example/xy"]),
        ("a=1; Path=/", ["http://shop.example/", "http://shop.example/any/where"], []),
        ("a=1; Path=/x", ["http://shop.example/x", "http://shop.example/x/y"],
         ["http://shop.example/xy", "http://shop.example/"]),
        ("a=1; path=x/y", ["http://shop.example/x/z"], ["http://shop.example/"]),
        ("a=1; Domain=.Example.com", [], ["http://shop.example/x/y", "http://example.com/x/y"]),
        ("a=1; Domain=shop.example", ["http://shop.example/x/y", "http://api.shop.example/x/y"],
         ["http://myshop.example/x/y", "http://example/x/y"]),
        ("a=1; Domain=example", [], ["http://shop.example/x/y", "http://other.example/x/y"]),
        ("a=1; Secure", ["https://shop.example/x/y"], ["http://shop.example/x/y"]),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ["http://shop.example/x/y"], []),
        ("a=1; Max-Age=0", [], ["http://shop.example/x/y"]),
        ("a=1; Max-Age=-1", [], ["http://shop.example/x/y"]),
        ("a=1; Max-Age=soon; Expires=never", ["http://shop.example/x/y"], []),
        ("a=1; Expires=Wed, 21-Oct-2015 07:28:00 GMT", [], ["http://shop.example/x/y"]),
        ("a=1; Expires=Sun, 06 Nov 2394 08:49:37 GMT", ["http://shop.example/x/y"], []),
        ("a=1; HttpOnly; SameSite=Strict; Unknown", ["http://shop.example/x/y"], []),
    ],
)  # fmt: skip
def test_a_cookie_is_sent_where_it_is_for(
    cookie: str, sent_to: list[str], not_sent_to: list[str]
) -> None:
    jar = after("http://shop.example/x/y", cookie)
    assert [sent(jar, url) for url in sent_to] == ["a=1"] * len(sent_to)
    assert [sent(jar, url) for url in not_sent_to] == [""] * len(not_sent_to)


def test_an_address_has_no_hosts_below_it() -> None:
    assert sent(after("http://127.0.0.1/", "a=1; Domain=0.0.1"), "http://127.0.0.1/") == ""
    assert sent(after("http://127.0.0.1/", "a=1; Domain=127.0.0.1"), "http://127.0.0.1/") == "a=1"
    assert sent(after("http://[::1]:81/", "a=1"), "http://[::1]/") == "a=1"


def test_a_value_is_sent_as_it_was_set_and_replaces_an_earlier_one() -> None:
    jar = after("http://shop.example/", "a=one", 'b="Q =;"; Path=/', "a= Two==,x ", "A=3")
    assert sent(jar, "http://shop.example/") == 'a=Two==,x; b="Q =; A=3'


def test_longer_paths_come_first_and_then_older_cookies() -> None:
    jar = after("http://shop.example/x/y", "a=1; Path=/", "b=2; Path=/x/y", "c=3; Path=/", "d=4")
    assert sent(jar, "http://shop.example/x/y") == "b=2; d=4; a=1; c=3"


def test_a_cookie_is_deleted_under_its_own_path_only() -> None:
    jar = after("http://shop.example/x/y", "a=1; Path=/", "a=2; Path=/x")
    jar.keep(request("http://shop.example/x/y"), answer("a=; Path=/x; Max-Age=0"))
    assert sent(jar, "http://shop.example/x/y") == "a=1"


def test_a_jar_is_false_while_it_is_empty_and_keeps_a_bounded_number() -> None:
    jar = CookieJar()
    assert not jar
    assert jar.added_to(plain := request("http://shop.example/")) is plain
    for first in range(0, 1000, 100):
        cookies = [f"c{number}=1" for number in range(first, first + 100)]
        jar.keep(request("http://shop.example/"), answer(*cookies))
    pairs = sent(jar, "http://shop.example/").split("; ")
    assert (len(pairs), pairs[0], pairs[-1]) == (300, "c700=1", "c999=1")


@pytest.mark.parametrize("text", ["a", "=1", "", ";a=1", f"a={'x' * 4096}"])
def test_what_is_no_cookie_is_ignored(text: str) -> None:
    assert parse_cookie(text, split_url("http://a")[0], "/", NOW_AT) is None


def test_a_cookie_that_expires_meanwhile_is_not_sent() -> None:
    origin = split_url("http://a")[0]
    cookie = parse_cookie("a=1; Max-Age=60", origin, "/", NOW_AT)
    assert cookie is not None
    assert cookie.is_for(origin, "/", NOW_AT + 59)
    assert not cookie.is_for(origin, "/", NOW_AT + 60)
