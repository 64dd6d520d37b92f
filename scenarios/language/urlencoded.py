"""Compile mappings of names and values to a query or to a URL-encoded form.

{"q": "{{ text }}", "ids": ["x1", "x2"]}   becomes   q=R%26D&ids=x1&ids=x2
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from scenarios.language.templates import (
    Constant,
    Template,
    TemplateError,
    Variables,
    compile_value,
)
from scenarios.language.value_text import form_text, query_text


def compile_query(query: Mapping[str, Any], known: Variables) -> Template:
    """Compile a query; its values are encoded as those in the target of a request.

    Raises TemplateError, as may the function that it returns.

    >>> compile_query({"q": "{{ a }}", "ids": ["x 1", True]}, {})({"a": "R&D"})
    'q=R%26D&ids=x%201&ids=true'
    """
    names = {name: quote(name, safe="[]") for name in query}
    return _compile(query, names, query_text, known)


def compile_form(form: Mapping[str, Any], known: Variables) -> Template:
    """Compile the fields of a form. Raises TemplateError, as may the function that it returns.

    >>> compile_form({"q": "{{ a }}", "ids": [1, 2]}, {})({"a": "R&D 1"})
    'q=R%26D+1&ids=1&ids=2'
    """
    return _compile(form, {name: quote_plus(name) for name in form}, form_text, known)


def with_query(target: Template, query: Template) -> Template:
    """Return the target of a request with a query after it, or after the query that it has."""
    if isinstance(target, Constant) and isinstance(query, Constant):
        return Constant(_joined(target.value, query.value))
    return lambda variables: _joined(target(variables), query(variables))


def _joined(target: str, query: str) -> str:
    return f"{target}{'&' if '?' in target else '?'}{query}" if query else target


def _compile(
    values: Mapping[str, Any],
    names: Mapping[str, str],
    encode: Callable[[Any], str],
    known: Variables,
) -> Template:
    compiled = [(name, names[name], compile_value(value, known)) for name, value in values.items()]

    def render(variables: Variables) -> str:
        pairs: list[str] = []
        for name, encoded, template in compiled:
            try:
                value = template(variables)
                values = value if isinstance(value, list | tuple | Iterator) else [value]
                pairs += [f"{encoded}={encode(each)}" for each in values]
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                raise TemplateError(f"{name!r} cannot be encoded: {error}") from error
        return "&".join(pairs)

    if all(isinstance(template, Constant) for _, _, template in compiled):
        return Constant(render({}))
    return render
