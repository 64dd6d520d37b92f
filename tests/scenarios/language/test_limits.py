import resource

import pytest

from scenarios.language.limits import MAX_LENGTH
from scenarios.language.templates import TemplateError, compile_text, compile_value

HUGE = 900_000_000
DOUBLED = "{% set x = 'aaaaaaaaaa' %}"


@pytest.mark.parametrize(
    "template",
    [
        f"{{{{ 'a' * {HUGE} }}}}", f"{{{{ {HUGE} * [1] }}}}!",
        "{{ 9 ** (9 ** 9) }}", "{{ 2 ** 99999 }}!",
        "{{ range(10**9) }}", f"{{{{ 'a' | center({HUGE}) }}}}", f"{{{{ 'a'.ljust({HUGE}) }}}}",
        f"{{{{ '1'.zfill({HUGE}) }}}}", f"{{{{ '\t'.expandtabs({HUGE}) }}}}",
        f"{{{{ '%{HUGE}d' % 1 }}}}!", f"{{{{ '%*d' % ({HUGE}, 1) }}}}!",
        f"{{{{ '%{HUGE}d' | format(1) }}}}!", f"{{{{ '{{:{HUGE}}}'.format(1) }}}}!",
        f"{{{{ '{{:{{w}}}}'.format(1, w={HUGE}) }}}}!", f"{{{{ 'a'.encode() * {HUGE} }}}}!",
        f"{{{{ (1).to_bytes({HUGE}, 'big') }}}}!", f"{{{{ 'a\n' | indent({HUGE}) }}}}",
        f"{{{{ [1] | batch({HUGE}, 'x') | list }}}}!", f"{{{{ [1] | slice({HUGE}) | list }}}}!",
        "{{ ('a' * 10000) | replace('a', 'b' * 100000) }}!",
        "{{ ('a'*10000) | join('b'*100000) }}!",
        "{{ ('b' * 100000).join('a' * 10000) }}!", "{{ ('a'*9999).translate({97: 'b'*99999}) }}!",
        DOUBLED + "{% set x = x ~ x %}" * 26 + "{{ x | length }}",
        DOUBLED + "{% set x = x + x %}" * 26 + "{{ x | length }}",
        "{% set x = ['a' * 900000] %}" + "{{ x }}" * 20,
        "{% for a in 'a' * 9999 %}{% for b in 'a' * 9999 %}{% endfor %}{% endfor %}!",
        "{% for a in 'a' * 99999 %}" + "x" * 1000 + "{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
        "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    ],
)  # fmt: skip
def test_no_template_computes_without_bounds(template: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateError) as failed:
        compile_text(template)({})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    assert len(str(failed.value)) < 1_000


@pytest.mark.parametrize(
    ("template", "length"),
    [
        ("{{ 'ab' * 50000 }}!", 100_001),
        ("{% for a in 'a' * 10000 %}{{ a }},{% endfor %}", 20_000),
        ("{{ ('a ' * 50000) | truncate(100) }}!", 99),
        ("{{ ('a' * 50000) | replace('a', 'bb') }}!", 100_001),
        ("{{ 'x' * 4900000 }}", 4_900_000),  # a large upload
        ("{{ 2 ** 64 * 10 }}!", 22),
        ("{{ '%08.3f' % 1.5 }}!", 9),
    ],
)
def test_what_a_request_needs_is_within_the_bounds(template: str, length: int) -> None:
    compiled = compile_text(template)
    # a budget is that of one rendering
    assert [len(compiled({})) for _ in range(3)] == [length] * 3
    assert length < MAX_LENGTH


def test_a_body_may_have_one_value_of_millions_of_characters() -> None:
    """A service that refuses a large upload is tried with one."""
    compiled = compile_value({"blob": "{{ 'x' * 6000000 }}"})
    assert len(compiled({})["blob"]) == 6_000_000
