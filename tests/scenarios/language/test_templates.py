from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.verbatim import TextPart
from scenarios.language.target import compile_target
from scenarios.language.templates import (
    Constant,
    TemplateError,
    compile_header,
    compile_text,
    compile_value,
    looks_like_template,
    variables_in,
    variables_in_header,
)

VARIABLES = {"n": 3, "ids": [7, 8], "yes": True, "nothing": None, "text": "a", "of": {"x": 1}}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abc {%#}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


def render(value: Any) -> Any:
    return compile_value(value)(VARIABLES)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ n }}", 3),
        (" {{ n }} ", 3),
        ("{{- n -}}", 3),
        ("{{ ids }}", [7, 8]),
        ("{{ yes }}", True),
        ("{{ nothing }}", None),
        ("{{ n + 1 }}", 4),
        ("{{ of.x }}", 1),
        ("{{ ids | length }}", 2),
        ("{{ -n }}", -3),
        ("{{ n }}{# why #}", 3),
    ],
)
def test_one_expression_keeps_the_type_of_its_value(template: str, value: Any) -> None:
    rendered = render(template)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("n", "n"),
        ("", ""),
        ("{n}", "{n}"),
        ("is {{ n }}", "is 3"),
        ("{{ n }}{{ n }}", "33"),
        ("{{ n }}!", "3!"),
        ("{% if yes %}{{ n }}{% endif %}", "3"),
        ("{{ text }}<&>", "a<&>"),
        ("two\nlines {{ n }}\n", "two\nlines 3\n"),
    ],
)
def test_an_expression_among_other_text_becomes_text(template: str, text: str) -> None:
    assert render(template) == text


def test_templates_are_found_at_any_depth_of_a_value() -> None:
    value = {"a": ["{{ n }}", {"b": "{{ text }}-{{ n }}"}], "c": 1, "d": None}
    assert render(value) == {"a": [3, {"b": "a-3"}], "c": 1, "d": None}


def test_text_stays_text_even_of_one_expression() -> None:
    assert compile_text("{{ n }}")(VARIABLES) == "3"


def test_what_a_variable_holds_is_not_itself_a_template() -> None:
    assert compile_value("{{ text }}")({"text": "{{ n }}", "n": 1}) == "{{ n }}"
    assert compile_text("a {{ text }}")({"text": "{{ n }}", "n": 1}) == "a {{ n }}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ ids.__class__ }}",
        "{{ ids.append(9) }}",
        "{{ of.update({}) }}",
        "{{ of.__init__ }}",
        "{{ text.format.__globals__ }}",
        "{{ '{0.__class__}'.format(n) }}",
        "{{ range(9) }}",
        "{{ lipsum() }}",
        "{{ cycler }}",
        "{{ self.__init__ }}",
        "{{ ids | map(attribute='__class__') | list | first }}",
        "{% include 'x' %}",
        "{% import 'os' as os %}",
    ],
)
def test_nothing_leads_out_of_the_sandbox(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template)
    with pytest.raises(TemplateError):
        compile_text(template)(VARIABLES)
    assert VARIABLES["ids"] == [7, 8]


@pytest.mark.parametrize(
    "template", ["{{ m }}", "{{ m.x }}", "a{{ m }}", "{{ of.y }}", "{{ [m] }}", "{{ {'k': m} }}"]
)
def test_what_is_undefined_is_never_rendered(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template)


@pytest.mark.parametrize("template", ["{{ n / 0 }}", "a{{ n / 0 }}", "{{ n + text }}"])
def test_a_value_that_cannot_be_computed_is_the_templates_fault(template: str) -> None:
    with pytest.raises(TemplateError, match="fails: "):
        render(template)


@pytest.mark.parametrize("template", ["{{ n", "{% if %}", "{{ n | nosuch }}", "{# no end", "{{ }}"])
def test_a_template_that_does_not_compile_is_refused_before_it_is_used(template: str) -> None:
    with pytest.raises(TemplateError):
        compile_value(template)
    with pytest.raises(TemplateError):
        compile_text(template)


def test_variables_are_found_at_any_depth() -> None:
    value = {"a": "{{ x }}", "b": ["{{ y.z }} {{ 1 }}", {"c": "{{ w | length }}"}], "d": 3}
    assert variables_in(value) == {"x", "y", "w"}


def test_a_name_that_the_template_sets_itself_is_not_a_variable() -> None:
    assert variables_in("{% for each in ids %}{{ each }}{% endfor %}") == {"ids"}


@given(json_values)
def test_a_template_is_rendered_or_refused_with_a_template_error(value: Any) -> None:
    try:
        render(value)
    except TemplateError:
        return


@given(st.recursive(st.none() | st.integers() | st.text("abc }%#\n"), st.lists, max_leaves=6))
def test_a_value_without_templates_is_left_as_it_is(value: Any) -> None:
    assert render(value) == value


@given(json_values)
def test_the_value_of_a_variable_comes_through_whole(value: Any) -> None:
    assert compile_value("{{ it }}")({"it": value}) == value


def header(*parts: TextPart, known: Any = None) -> Any:
    return compile_header(parts, known or {})(VARIABLES)


def test_what_a_variable_held_is_no_part_of_a_template() -> None:
    verbatim = TextPart("{{ n }}{#x#}{% if %}", is_verbatim=True)
    assert header(TextPart("Bearer "), verbatim) == "Bearer {{ n }}{#x#}{% if %}"
    assert header(TextPart("{{ n }}:"), verbatim, TextPart(":{{ yes }}")) == (
        "3:{{ n }}{#x#}{% if %}:true"
    )
    assert header(verbatim, TextPart("{{ n }}"), known={"n": 3}) == "{{ n }}{#x#}{% if %}3"
    assert isinstance(compile_header([verbatim, TextPart("{{ n }}")], {"n": 3}), Constant)


def test_a_header_has_no_text_for_null() -> None:
    for text in ("{{ nothing }}", "x {{ nothing }}", "{{ [nothing][0] }}"):
        with pytest.raises(TemplateError, match="null"):
            header(TextPart(text))


def test_a_variable_within_an_expression_does_not_compile() -> None:
    parts = [TextPart("{{ '"), TextPart("' ~ run ~ '", is_verbatim=True), TextPart("' }}")]
    with pytest.raises(TemplateError):
        compile_header(parts)


def test_the_variables_of_a_header_are_those_of_its_templates() -> None:
    parts = [TextPart("{{ n }}"), TextPart("{{ m }}", is_verbatim=True)]
    assert variables_in_header(parts) == {"n"}


@pytest.mark.parametrize(
    "text", ["{{ a }}", "x{{a}}y", "{% if a %}", "{{\n a }}", "[?id=='{{ a }}']"]
)
def test_a_text_with_the_marks_of_a_template_looks_like_one(text: str) -> None:
    assert looks_like_template(text)


@pytest.mark.parametrize("text", ["", "a", "{a}", "{a: {b: c}}", "{{a,b},{c,d", "100%", "}}{{"])
def test_other_braces_are_no_template(text: str) -> None:
    assert not looks_like_template(text)


def test_a_key_is_a_text_with_templates() -> None:
    template = compile_value({"a-{{ n }}": {"{{ text }}": "{{ n }}"}, "b": 1})
    assert template(VARIABLES) == {"a-3": {"a": 3}, "b": 1}
    assert variables_in({"a-{{ n }}": ["{{ ids }}", {"{{ text }}": 1}]}) == {"n", "ids", "text"}


def test_a_key_of_known_variables_is_constant() -> None:
    assert isinstance(compile_value({"{{ n }}": 1}, {"n": "x"}), Constant)


def test_the_value_of_a_key_is_no_template() -> None:
    assert compile_value({"{{ a }}": 1})({"a": "{{ 7*7 }}"}) == {"{{ 7*7 }}": 1}


ROW = {"id": "c/1", "items": [1], "n": 1.5}


@pytest.mark.parametrize(("template", "value"), [
    ("{{ row.id }}", "c/1"), ("{{ row.n }}", 1.5), ("{{ row.items }}", [1]),
    ("{{ row.items | length }}", 1), ("{{ row['items'] }}", [1]), ("{{ row }}", ROW),
    ("of {{ row.id }}", "of c/1"), ("{{ row.n }} % of {{ text }}: {{ row.items }}",
                                    "1.5 % of a: [1]"),
    ("{{ row.id.upper() }}", "C/1"), ("{{ text.upper() }}", "A"),
])  # fmt: skip
def test_a_member_is_looked_up_by_its_name_before_any_method(template: str, value: Any) -> None:
    assert compile_value(template)({"row": ROW, "text": "a"}) == value


@pytest.mark.parametrize("template", [
    "{{ row.idd }}", "of {{ row.idd }}", "{{ text.id }}", "of {{ text.id }}", "{{ none.id }}",
    "of {{ none.id }}",
])  # fmt: skip
def test_a_member_that_is_missing_is_never_rendered(template: str) -> None:
    with pytest.raises(TemplateError):
        compile_value(template)({"row": ROW, "text": "a"})


def test_a_member_is_encoded_for_its_place() -> None:
    assert compile_target("", "/a/{{ row.id }}?q={{ row.items }}", {})({"row": ROW}) == (
        "/a/c%2F1?q=1"
    )
    with pytest.raises(TemplateError, match="null"):
        compile_target("", "/a/{{ row.id }}", {})({"row": {"id": None}})


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("none", None)])
def test_a_constant_is_no_variable(text: str, value: object) -> None:
    assert compile_value(f"{{{{ {text} }}}}", {})({}) is value
    assert compile_value(f"{{{{ {text}_ }}}}", {})({f"{text}_": 1}) == 1
