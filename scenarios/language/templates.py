"""Compile the `{{ … }}` templates of a scenario, sandboxed, with undefined names as errors.

Compiling happens once, rendering once per request, so two cases avoid Jinja: a text with only
`{{ name }}` inside is formatted by Python, and what uses only known variables becomes a Constant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

Variables = Mapping[str, Any]
Template = Callable[[Variables], Any]

_NO_VARIABLES: Variables = {}
_MARKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_PLAIN_NAME = re.compile(r"\s*\{\{\s*([a-z][a-z0-9_]*)\s*\}\}\s*")

_SANDBOX = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
)
_SANDBOX.globals.clear()


class TemplateError(ValueError):
    """A template that does not compile, or whose value cannot be computed."""


class Constant:
    """A template with a constant value."""

    def __init__(self, value: Any) -> None:
        """Keep the value."""
        self.value = value

    def __call__(self, _: Variables) -> Any:
        """Return the value."""
        return self.value


def compile_text(text: str, known: Variables = _NO_VARIABLES) -> Template:
    """Compile a template whose value is always text. Raises TemplateError."""
    if "{" not in text:
        return Constant(text)
    parts = _plain_parts(text)
    if parts is not None:
        return _join(text, [_substitute(part, known) for part in parts])
    template = _guard(text, lambda: _SANDBOX.from_string(text))
    return lambda variables: _guard(text, lambda: template.render(variables))


def compile_value(value: Any, known: Variables = _NO_VARIABLES) -> Template:
    """Compile a JSON value with templates inside. Raises TemplateError.

    A text that is a single expression keeps the type of its value; a key is always text:

    >>> compile_value({"ids": "{{ ids }}", "note": "{{ ids | length }} ids"})({"ids": [7, 8]})
    {'ids': [7, 8], 'note': '2 ids'}
    """
    if isinstance(value, str):
        return _compile_typed(value, known)
    if isinstance(value, dict):
        members = [
            (compile_text(str(key), known), compile_value(member, known))
            for key, member in value.items()
        ]
        if all(isinstance(part, Constant) for pair in members for part in pair):
            return Constant({key(_NO_VARIABLES): member(_NO_VARIABLES) for key, member in members})
        return lambda variables: {key(variables): member(variables) for key, member in members}
    if isinstance(value, list):
        elements = [compile_value(element, known) for element in value]
        if all(isinstance(element, Constant) for element in elements):
            return Constant([element(_NO_VARIABLES) for element in elements])
        return lambda variables: [element(variables) for element in elements]
    return Constant(value)


def variables_in(value: Any) -> set[str]:
    """Return the variables used by the templates of a JSON value. Raises TemplateError."""
    if isinstance(value, str):
        tree = _guard(value, lambda: _SANDBOX.parse(value))
        return meta.find_undeclared_variables(tree)
    members = [*value, *value.values()] if isinstance(value, dict) else value
    return set().union(*map(variables_in, members)) if isinstance(value, dict | list) else set()


def looks_like_template(text: str) -> bool:
    """Return whether a text has the marks of a template, for places where none is evaluated."""
    return _MARKS.search(text) is not None


def _compile_typed(text: str, known: Variables) -> Template:
    if not _is_one_expression(text):
        return compile_text(text, known)
    if name := _PLAIN_NAME.fullmatch(text):
        return _look_up(text, name[1], known)
    source = re.sub(r"^[-+]|[-+]$", "", _without_comments(text)[2:-2])
    expression = _guard(text, lambda: _SANDBOX.compile_expression(source, undefined_to_none=False))
    return lambda variables: _defined(text, _guard(text, lambda: expression(dict(variables))))


def _look_up(text: str, name: str, known: Variables) -> Template:
    """Compile `{{ name }}`: the variable's value, in its type."""
    if name in known:
        return Constant(known[name])

    def look_up(variables: Variables) -> Any:
        try:
            return variables[name]
        except KeyError:
            raise TemplateError(f"{text!r} has no value") from None

    return look_up


def _plain_parts(text: str) -> list[tuple[str, bool]] | None:
    """Split a text into (literal, False) and (name, True); None if it has anything else."""
    tree = _guard(text, lambda: _SANDBOX.parse(text))
    parts: list[tuple[str, bool]] = []
    for output in tree.body:
        for node in output.nodes if isinstance(output, nodes.Output) else (None,):
            if isinstance(node, nodes.TemplateData):
                parts.append((node.data, False))
            elif isinstance(node, nodes.Name):
                parts.append((node.name, True))
            else:
                return None
    return parts


def _substitute(part: tuple[str, bool], known: Variables) -> tuple[str, bool]:
    text, is_name = part
    return (str(known[text]), False) if is_name and text in known else part


def _join(text: str, parts: list[tuple[str, bool]]) -> Template:
    """Compile literals and names to a %-format, which is faster than Jinja."""
    names = [part for part, is_name in parts if is_name]
    if not names:
        return Constant("".join(part for part, _ in parts))
    pattern = "".join("%s" if is_name else part.replace("%", "%%") for part, is_name in parts)

    def join(variables: Variables) -> str:
        try:
            return pattern % tuple([variables[name] for name in names])
        except KeyError as error:
            message = f"the template {text!r} fails: {error.args[0]!r} is undefined"
            raise TemplateError(message) from None

    return join


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
    """Run an action; turn whatever a template or its filters raise into a TemplateError."""
    try:
        return action()
    except Exception as error:
        raise TemplateError(f"the template {text!r} fails: {error}") from error
