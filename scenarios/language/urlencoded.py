"""Compile mappings of names and values to a query or to a URL-encoded form.

{"q": "{{ text }}", "ids": ["x1", "x2"]}   becomes   q=R%26D&ids=x1&ids=x2
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
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

_QUERY_NAME = partial(quote, safe="[]")


def compile_query(query: Mapping[str, Any], known: Variables) -> Template:
    """Compile a query; its values are encoded as those in the target of a request.

    Raises TemplateError, as may the function that it returns.

    >>> compile_query({"q": "{{ a }}", "ids": ["x 1", True]}, {})({"a": "R&D"})
    'q=R%26D&ids=x%201&ids=true'
    """
    return _compile(_templates(query, known), _QUERY_NAME, query_text)


def compile_form(form: Mapping[str, Any], known: Variables) -> Template:
    """Compile the fields of a form. Raises TemplateError, as may the function that it returns.

    >>> compile_form({"q": "{{ a }}", "ids": [1, 2]}, {})({"a": "R&D 1"})
    'q=R%26D+1&ids=1&ids=2'
    """
    return _compile(_templates(form, known), quote_plus, form_text)


def encode_query(values: Mapping[str, Any]) -> str:
    """Encode the values of a query as they are: none is a template. Raises TemplateError.

    >>> encode_query({"q": "{{ a }}", "ids": [1, 2]})
    'q=%7B%7B%20a%20%7D%7D&ids=1&ids=2'
    """
    return _encode(values, _QUERY_NAME, query_text)


def encode_form(values: Mapping[str, Any]) -> str:
    """Encode the fields of a form as they are: none is a template. Raises TemplateError."""
    return _encode(values, quote_plus, form_text)


def with_query(target: Template, query: Template) -> Template:
    """Return the target of a request with a query after it, or after the query that it has."""
    if isinstance(target, Constant) and isinstance(query, Constant):
        return Constant(joined(target.value, query.value))
    return lambda variables: joined(target(variables), query(variables))


def joined(target: str, query: str) -> str:
    """Return a target with a query after it, or after the query that it has.

    >>> joined("/p?a=b", "i=1"), joined("/p", "")
    ('/p?a=b&i=1', '/p')
    """
    return f"{target}{'&' if '?' in target else '?'}{query}" if query else target


def _templates(values: Mapping[str, Any], known: Variables) -> dict[str, Template]:
    return {name: compile_value(value, known) for name, value in values.items()}


def _encode(
    values: Mapping[str, Any], encode_name: Callable[[str], str], encode: Callable[[Any], str]
) -> str:
    templates = {name: Constant(value) for name, value in values.items()}
    text: str = _compile(templates, encode_name, encode)({})
    return text


def _compile(
    templates: Mapping[str, Template],
    encode_name: Callable[[str], str],
    encode: Callable[[Any], str],
) -> Template:
    compiled = [(name, encode_name(name), template) for name, template in templates.items()]

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
