import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.language.selector import Matcher, parse_selector

LABELS = {"a": "1", "b": "x y"}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("m_total", True),
        ("m_total{}", True),
        (' m_total { a = "1" } ', True),
        ('m_total{a="1",}', True),
        ('m_total{a="1", b="x y"}', True),
        ('m_total{a="1", b="x"}', False),
        ('m_total{a="2"}', False),
        ('m_total{a!="2"}', True),
        ('m_total{a!="1"}', False),
        ('m_total{b=~"x.*"}', True),
        ('m_total{b=~"x"}', False),
        ('m_total{b=~"z|x y"}', True),
        ('m_total{b!~"x"}', True),
        ('m_total{b!~"x.+"}', False),
        ('m_total{c=""}', True),
        ('m_total{c!=""}', False),
        ('m_total{c=~".*"}', True),
        ('m_total{c=~".+"}', False),
        ("m_tota", False),
        ("m_total_created", False),
    ],
)
def test_a_selector_selects_by_name_and_every_label(selector: str, selected: bool) -> None:
    assert parse_selector(selector).selects("m_total", LABELS) is selected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sum(m)",
        "m[5m]",
        "m offset 5m",
        "m @ 0",
        "m + n",
        "m * 2",
        "m{a='1'} by (a)",
        '{__name__="m"}',
        'm{a="1"}[5m]',
        'm{a="1"} + n{a="1"}',
        'm{a="1"',
        "m{a=1}",
        'm{a=="1"}',
        'm{a="1" b="2"}',
        'm{="1"}',
        'm{1a="1"}',
        'm{a="1"},',
        "1m",
    ],
)
def test_anything_but_a_plain_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a plain selector|cannot parse the matchers"):
        parse_selector(text)


def test_an_invalid_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\(' is not a regular expression"):
        parse_selector('m{a=~"("}')


def test_a_value_that_is_compared_need_not_be_a_regular_expression() -> None:
    assert parse_selector('m{a="("}').selects("m", {"a": "("})


def test_braces_and_commas_in_quotes_belong_to_the_value() -> None:
    assert parse_selector('m{a="},{", b="2"}').matchers == (
        Matcher("a", "=", "},{"),
        Matcher("b", "=", "2"),
    )


@given(st.text())
def test_any_value_can_be_selected_when_it_is_escaped(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    selector = parse_selector(f'm{{a="{escaped}", b!="{escaped}"}}')
    assert selector.selects("m", {"a": value, "b": f"{value}."})
    assert not selector.selects("m", {"a": f"{value}.", "b": f"{value}."})


def test_the_matchers_that_a_label_set_fails_are_named() -> None:
    selector = parse_selector('m{a="1", b="2", c!="3"}')
    assert selector.failed_matchers({"a": "1", "c": "3"}) == [
        Matcher("b", "=", "2"),
        Matcher("c", "!=", "3"),
    ]
    assert selector.failed_matchers({"a": "1", "b": "2"}) == []


@given(st.text('ab=~!"{},\\ \n('))
def test_a_text_is_parsed_or_refused_with_a_value_error(text: str) -> None:
    try:
        parse_selector(text)
    except ValueError:
        return
