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


@pytest.mark.parametrize(
    ("selector", "metric", "matchers"),
    [
        ('{"shop.orders"}', "shop.orders", ()),
        (' { "shop.orders" , } ', "shop.orders", ()),
        ('{"m_total", a="1"}', "m_total", (Matcher("a", "=", "1"),)),
        ('{"größe", "order.kind"=~"t.*",b!="2"}', "größe",
         (Matcher("order.kind", "=~", "t.*"), Matcher("b", "!=", "2"))),
        ('m_total{"a.b"="},{"}', "m_total", (Matcher("a.b", "=", "},{"),)),
        (r'{"a \"b\""}', 'a "b"', ()),
    ],
)  # fmt: skip
def test_names_of_other_characters_stand_in_quotes(
    selector: str, metric: str, matchers: tuple[Matcher, ...]
) -> None:
    parsed = parse_selector(selector)
    assert (parsed.metric, parsed.matchers) == (metric, matchers)


@pytest.mark.parametrize(
    "text",
    ['{""}', '{"a""b"}', '{"a"="b"}', '"a"', '"a"{b="c"}', '{"a", "b"}', '{a="1", "m"}', '{"a}'],
)
def test_a_quoted_name_stands_first_in_the_braces_and_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a plain selector|cannot parse the matchers"):
        parse_selector(text)


def test_an_invalid_regular_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'\(' is not a regular expression"):
        parse_selector('m{a=~"("}')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'm{a=~"\d+"}', r"write \\d for a backslash"),
        (r'm{a="a\.b"}', r"\. is no escape"),
        (r'm{a="\p"}', r"\p is no escape"),
        ('m{a="1",a="2"}', "a cannot equal both '1' and '2'"),
        ('m{__name__="n"}', "names the metric twice"),
        ('m{a="1\n2"}', "cannot parse the matchers"),
        ('m{é="1"}', "cannot parse the matchers"),
        ('m{a:b="1"}', "cannot parse the matchers"),
        ('m{a=~"(?!x).*"}', "a lookaround"),
    ],
)
def test_what_prometheus_would_refuse_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_selector(text)
    assert words in str(error.value)


def test_escapes_are_those_of_promql() -> None:
    selector = parse_selector(r'm{a=~"\\d+\t\x41\u00e9", b!~"x", b=~".+"}')
    assert selector.matchers[0].value == "\\d+\tA\u00e9"
    assert selector.selects("m", {"a": "12\tAé", "b": "y"})


def test_a_digit_is_an_ascii_digit_as_in_prometheus() -> None:
    assert not parse_selector(r'm{a=~"\\d"}').selects("m", {"a": "٣"})


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


@pytest.mark.parametrize(
    ("matcher", "in_part"),
    [
        (Matcher("kind", "=~", "boo|pe"), True),
        (Matcher("kind", "=~", "(?i)BOO"), True),
        (Matcher("kind", "=~", "book"), False),
        (Matcher("kind", "=~", "boo.*"), False),
        (Matcher("kind", "=~", "pen|"), False),
        (Matcher("kind", "=", "boo"), False),
        (Matcher("kind", "!~", "boo"), False),
        (Matcher("other", "=~", "boo"), False),
    ],
)
def test_a_pattern_that_finds_a_part_of_a_value_matches_in_part(
    matcher: Matcher, in_part: bool
) -> None:
    assert matcher.matches_in_part({"kind": "book"}) is in_part
