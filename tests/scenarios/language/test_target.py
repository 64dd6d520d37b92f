from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.target import compile_target
from scenarios.language.templates import Constant, TemplateError

VARIABLES: dict[str, Any] = {
    "name": "R&D #1 50% + é", "path": "a/b", "ids": ["x1", "x2"], "flag": True, "price": 19.9,
    "big": 10**22, "exp": 1e21, "obj": {"k": 1}, "dots": "../admin", "up": "..", "dot": ".",
    "nothing": None, "empty": [], "key": "a&b", "next": "/orders?page=2", "n": 3, "line": "a\r\nb",
}  # fmt: skip
NAME = "R%26D%20%231%2050%25%20%2B%20%C3%A9"


def target(text: str, known: Any = None) -> str:
    rendered: str = compile_target("", text, known or {})(VARIABLES)
    return rendered


@pytest.mark.parametrize(
    ("text", "on_the_wire"),
    [
        ("/q?name={{ name }}&x=1", f"/q?name={NAME}&x=1"),
        ("/q?name={{ name | urlencode }}&x=1", f"/q?name={NAME}&x=1"),
        ("/q?name={{ name | upper | urlencode }}", f"/q?name={NAME.replace('é', 'É')[:-3]}%89"),
        ("/q?name={{ name | safe }}", f"/q?name={VARIABLES['name']}"),
        ("/{{ name }}", f"/{NAME}"),
        ("/p/{{ path }}/x", "/p/a%2Fb/x"),
        ("/p/{{ path | urlencode }}/x", "/p/a/b/x"),
        ("/p/v{{ n }}.{{ n }}?q={{ path }}", "/p/v3.3?q=a%2Fb"),
        ("/l?ids={{ ids }}", "/l?ids=x1&ids=x2"),
        ("/l?a=1&ids[]={{ ids }}&b=2", "/l?a=1&ids[]=x1&ids[]=x2&b=2"),
        ("/l?ids={{ ids | map('upper') | list }}", "/l?ids=X1&ids=X2"),
        ("/l?ids={{ empty }}&b=2", "/l?ids=&b=2"),
        ("/l?ids=0,{{ ids }}", "/l?ids=0,%5B%22x1%22%2C%22x2%22%5D"),
        ("/l?{{ key }}={{ key }}", "/l?a%26b=a%26b"),
        ("/l?ids={{ ids | join(',') }}", "/l?ids=x1%2Cx2"),
        ("/l/{{ ids }}", "/l/%5B%22x1%22%2C%22x2%22%5D"),
        ("/f?flag={{ flag }}&price={{ price }}&big={{ big }}&exp={{ exp }}",
         "/f?flag=true&price=19.9&big=10000000000000000000000&exp=1e21"),
        ("/o?o={{ obj }}", "/o?o=%7B%22k%22%3A1%7D"),
        ("/o?{{ obj | urlencode }}", "/o?k=1"),
        ("/files/{{ dots }}", "/files/%2E%2E%2Fadmin"),
        ("/q?up={{ up }}", "/q?up=.."),
        ("/a?x={{ line }}", "/a?x=a%0D%0Ab"),
        ("/a{% if flag %}?x={{ path }}{% endif %}", "/a?x=a%2Fb"),
        ("/a?z=1{% for id in ids %}&id={{ id }}{% endfor %}", "/a?z=1&id=x1&id=x2"),
        ("/a?x={{ path if flag else name }}", "/a?x=a%2Fb"),
        ("/a?x={{ name | urlencode if flag else path }}", f"/a?x={NAME}"),
        ("/a?x={{ path ~ flag }}", "/a?x=a%2Fbtrue"),
        ("/b?a[]=1&f=a|b&q=\"x\"&s=a b&%41=+;/?", "/b?a[]=1&f=a|b&q=\"x\"&s=a b&%41=+;/?"),
        ("/a/../b/./{{ n }}", "/a/../b/./3"),
        ("/50%/{{ n }}", "/50%/3"),
    ],
)  # fmt: skip
def test_a_value_is_encoded_for_its_place_and_literal_text_stays(
    text: str, on_the_wire: str
) -> None:
    assert target(text) == on_the_wire


@pytest.mark.parametrize(
    "text",
    ["/files/{{ up }}", "/files/{{ dot }}/x", "/files/{{ dot }}{{ dot }}", "/files/.{{ dot }}",
     "/files/{{ up | urlencode }}", "/files/{{ dots | safe }}", "/files/{{ dots | urlencode }}",
     "/a/../{{ up }}", "/files/{% if flag %}{{ up }}{% endif %}/x?q=1"],
)  # fmt: skip
def test_a_value_that_would_lead_out_of_the_path_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="out of the path"):
        target(text)
    with pytest.raises(TemplateError, match="out of the path"):
        target(text, VARIABLES)


@pytest.mark.parametrize("text", ["/a/{{ nothing }}", "/a?x={{ nothing }}", "/a?x={{ nothing }}!"])
def test_null_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="a value is null"):
        target(text)


@pytest.mark.parametrize("text", ["/a/{{ missing }}", "/a?x={{ missing.x }}", "/a?x={{ obj.y }}"])
def test_what_is_undefined_is_named(text: str) -> None:
    with pytest.raises(TemplateError, match=r"missing has no value|an object has no member y"):
        target(text)


def test_what_is_known_beforehand_is_encoded_likewise() -> None:
    for text in ("/p/{{ path }}?q={{ name }}&ids={{ ids }}", "/p/{{ path | upper }}?q={{ flag }}"):
        assert target(text, VARIABLES) == target(text)
    assert isinstance(compile_target("/v1", "/p/{{ path }}", VARIABLES), Constant)


def test_the_path_of_the_service_is_no_template() -> None:
    assert compile_target("/{{ n }}", "/{{ n }}", {})(VARIABLES) == "/{{ n }}/3"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_is_one_segment_and_one_value_or_refused(value: str) -> None:
    try:
        rendered = compile_target("", "/a/{{ v }}/b?c={{ v }}&d=1", {})({"v": value})
    except TemplateError:
        assert value in (".", "..")
        return
    path, _, query = rendered.partition("?")
    assert [unquote(segment) for segment in path.split("/")] == ["", "a", value, "b"]
    assert [unquote(pair) for pair in query.split("&")] == [f"c={value}", "d=1"]
