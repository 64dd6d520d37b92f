import pytest

from scenarios.language.templates import compile_text, compile_value

VARIABLES = {
    "flag": True, "ids": ["x1", None, False], "price": 19.9, "exp": 1e21, "name": "Ann",
    "rows": [{"on": True}, {"on": False}], "nothing": None, "obj": {"k": "<&>"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("is {{ flag }}, {{ ids }}", 'is true, ["x1",null,false]'),
        ("{{ price }}/{{ exp }}", "19.9/1e21"),
        ("x {{ nothing }}", "x null"),
        ("{{ name ~ flag ~ ids }}!", 'Anntrue["x1",null,false]!'),
        ("{{ ids | join('+') }}!", "x1+null+false!"),
        ("{{ rows | join(',', attribute='on') }}!", "true,false!"),
        ("{{ rows | map(attribute='on') }}!", "[true,false]!"),
        ("{{ flag | string }}!", "true!"),
        ("{{ flag | upper }}!", "TRUE!"),
        ("{{ ids | replace('x', 'y') }}!", '["y1",null,false]!'),
        ("{{ '%s of %d' | format(flag, 3) }}!", "true of 3!"),
        ("{{ '%(a)s' | format(a=ids) }}!", '["x1",null,false]!'),
        ("{{ '%s, %.1f' % (flag, price) }}!", "true, 19.9!"),
        ("{{ '%s' % nothing }}!", "null!"),
        ("{{ '{} {x} {:.1f}'.format(flag, price, x=ids) }}!", 'true ["x1",null,false] 19.9!'),
        ("{{ obj | tojson }}!", '{"k":"<&>"}!'),
        ("{{ name | tojson }}!", '"Ann"!'),
        ("{% for row in rows %}{{ row.on }};{% endfor %}", "true;false;"),
        ("{% if flag %}{{ not flag }}{% endif %}", "false"),
        ("{{ true }}{{ none }}{{ [true] }}", "truenull[true]"),
        ("{{ 'x' ~ true }}!", "xtrue!"),
        ("{{ obj | safe }}!", '{"k":"<&>"}!'),
        ("{{ ids | length }} of {{ name | trim | lower }}", "3 of ann"),
    ],
)
def test_every_way_to_text_has_the_words_of_json(template: str, text: str) -> None:
    assert compile_text(template)(VARIABLES) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [("{{ name ~ flag }}", "Anntrue"), ("{{ ids | join }}", "x1nullfalse"),
     ("{{ '%s' % flag }}", "true")],
)  # fmt: skip
def test_text_that_is_a_whole_json_value_has_them_too(template: str, text: str) -> None:
    assert compile_value(template)(VARIABLES) == text


@pytest.mark.parametrize("template", ["{{ 7 % 4 }}", "{{ price % 5 }}"])
def test_a_remainder_of_numbers_is_a_number(template: str) -> None:
    assert isinstance(compile_value(template)(VARIABLES), int | float)
