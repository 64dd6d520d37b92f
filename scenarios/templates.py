"""What do the `{{ … }}` in a scenario become? Compiled once, sandboxed, never undefined."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

Variables = Mapping[str, Any]
Template = Callable[[Variables], Any]

_SANDBOX = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
)
_SANDBOX.globals.clear()


class TemplateError(ValueError):
    """A template that does not compile, or whose value cannot be computed."""


def compile_text(text: str) -> Template:
    """Compile a template whose value is always text. Raises TemplateError."""
    if "{" not in text:
        return lambda _: text
    template = _guard(text, lambda: _SANDBOX.from_string(text))
    return lambda variables: _guard(text, lambda: template.render(variables))


def compile_value(value: Any) -> Template:
    """Compile a JSON value with templates inside. Raises TemplateError.

    A text that is one expression and nothing else keeps its value's type:

    >>> compile_value({"ids": "{{ ids }}", "note": "{{ ids | length }} ids"})({"ids": [7, 8]})
    {'ids': [7, 8], 'note': '2 ids'}
    """
    if isinstance(value, str):
        return _compile_typed(value)
    if isinstance(value, dict):
        members = {key: compile_value(each) for key, each in value.items()}
        return lambda variables: {key: each(variables) for key, each in members.items()}
    if isinstance(value, list):
        elements = [compile_value(each) for each in value]
        return lambda variables: [each(variables) for each in elements]
    return lambda _: value


def names_in(value: Any) -> set[str]:
    """Return the variables that the templates of a JSON value use. Raises TemplateError."""
    if isinstance(value, str):
        tree = _guard(value, lambda: _SANDBOX.parse(value))
        return meta.find_undeclared_variables(tree)
    members = value.values() if isinstance(value, dict) else value
    return set().union(*map(names_in, members)) if isinstance(value, dict | list) else set()


def _compile_typed(text: str) -> Template:
    if not _is_one_expression(text):
        return compile_text(text)
    source = re.sub(r"^[-+]|[-+]$", "", _without_comments(text)[2:-2])
    expression = _guard(text, lambda: _SANDBOX.compile_expression(source, undefined_to_none=False))
    return lambda variables: _defined(text, _guard(text, lambda: expression(dict(variables))))


def _without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL).strip()


def _is_one_expression(text: str) -> bool:
    bare = _without_comments(text)
    if not (bare.startswith("{{") and bare.endswith("}}")):
        return False
    body = _guard(text, lambda: _SANDBOX.parse(bare)).body
    if len(body) != 1 or not isinstance(body[0], nodes.Output) or len(body[0].nodes) != 1:
        return False
    return not isinstance(body[0].nodes[0], nodes.TemplateData)


def _defined(text: str, value: Any) -> Any:
    if isinstance(value, jinja2.Undefined):
        raise TemplateError(f"{text!r} has no value")
    members = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for member in members:
            _defined(text, member)
    return value


def _guard(text: str, action: Callable[[], Any]) -> Any:
    """Turn whatever a template of the user's raises, filters included, into a TemplateError."""
    try:
        return action()
    except Exception as error:
        raise TemplateError(f"the template {text!r} fails: {error}") from error
