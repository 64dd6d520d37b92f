from typing import Any

import pytest

from scenarios.language.link import compile_link
from scenarios.language.templates import TemplateError

SHOP = "https://user@shop.example/v2"


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://shop.example/v2/orders/7", "/v2/orders/7"),
        ("HTTPS://Shop.Example:443/a%2Fb?q=R%26D&x=1+2#top", "/a%2Fb?q=R%26D&x=1+2"),
        ("//shop.example/x", "/x"),
        ("/other?page=2", "/other?page=2"),
        ("https://shop.example", "/"),
        ("https://shop.example?a=b", "/?a=b"),
        ("/x?to=https://evil.example/", "/x?to=https://evil.example/"),
    ],
)
def test_a_link_of_the_service_is_requested_as_it_is(link: str, target: str) -> None:
    assert compile_link(SHOP, "{{ next }}", {})({"next": link}) == target


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("https://evil.example/x", "the link leads to https://evil.example, another origin than "
         "https://shop.example"),
        ("http://shop.example/x", "another origin"),
        ("https://shop.example:444/x", "another origin"),
        ("https://shop.example@evil.example/", "leads to https://evil.example,"),
        ("https://shop.example.evil.example/", "another origin"),
        ("//evil.example/x", "another origin"),
        ("javascript:alert(1)", "another origin"),
        ("orders/7", "neither a URL nor a path"),
        ("", "neither a URL nor a path"),
        ("https://[::1/", "the link is not a URL"),
        ("https://shop.example:port/", "the link is not a URL"),
        (None, "null"),
        ({"href": "/x"}, "neither a URL nor a path"),
    ],
)  # fmt: skip
def test_any_other_link_is_not_sent(link: Any, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        compile_link(SHOP, "{{ next }}", {})({"next": link})


def test_what_follows_a_link_is_encoded() -> None:
    link = compile_link(SHOP, "{{ next }}/items/{{ id }}?q={{ id }}", {})
    assert link({"next": "/orders", "id": "a/b"}) == "/orders/items/a%2Fb?q=a%2Fb"
    part = compile_link(SHOP, "{{ links.next }}", {})
    assert part({"links": {"next": "/page"}}) == "/page"
