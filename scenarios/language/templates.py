"""What do the `{{ … }}` in a scenario become? Compiled once, sandboxed, never undefined.

A text of plain names, `{{ name }}` and nothing more inside, is put together without Jinja; what
uses only names whose values are known beforehand is computed then.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

Variables = Mapping[str, Any]
Template = Callable[[Variables], Any]

_NOTHING: Variables = {}
_PLAIN_NAME = re.compile(r"\s*\{\{\s*([a-z][a-z0-9_]*)\s*\}\}\s*")

_SANDBOX = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True
)
_SANDBOX.globals.clear()


class TemplateError(ValueError):
    """A template that does not compile, or whose value cannot be computed."""


class Constant:
    """A template whose value is always the same."""

    def __init__(self, value: Any) -> None:
        """Keep the value."""
        self.value = value

    def __call__(self, _: Variables) -> Any:
        """Return the value."""
        return self.value


def compile_text(text: str, known: Variables = _NOTHING) -> Template:
    """Compile a template whose value is always text. Raises TemplateError."""
    if "{" not in text:
        return Constant(text)
    parts = _plain_parts(text)
    if parts is not None:
        return _joined(text, [_put_in(part, known) for part in parts])
    template = _guard(text, lambda: _SANDBOX.from_string(text))
    return lambda variables: _guard(text, lambda: template.render(variables))


def compile_value(value: Any, known: Variables = _NOTHING) -> Template:
    """Compile a JSON value with templates inside. Raises TemplateError.

    A text that is one expression and nothing else keeps its value's type:

    >>> compile_value({"ids": "{{ ids }}", "note": "{{ ids | length }} ids"})({"ids": [7, 8]})
    {'ids': [7, 8], 'note': '2 ids'}
    """
    if isinstance(value, str):
        return _compile_typed(value, known)
    if isinstance(value, dict):
        members = {key: compile_value(each, known) for key, each in value.items()}
        if all(isinstance(each, Constant) for each in members.values()):
            return Constant({key: each(_NOTHING) for key, each in members.items()})
        return lambda variables: {key: each(variables) for key, each in members.items()}
    if isinstance(value, list):
        elements = [compile_value(each, known) for each in value]
        if all(isinstance(each, Constant) for each in elements):
            return Constant([each(_NOTHING) for each in elements])
        return lambda variables: [each(variables) for each in elements]
    return Constant(value)


def names_in(value: Any) -> set[str]:
    """Return the variables that the templates of a JSON value use. Raises TemplateError."""
    if isinstance(value, str):
        tree = _guard(value, lambda: _SANDBOX.parse(value))
        return meta.find_undeclared_variables(tree)
    members = value.values() if isinstance(value, dict) else value
    return set().union(*map(names_in, members)) if isinstance(value, dict | list) else set()


def _compile_typed(text: str, known: Variables) -> Template:
    if not _is_one_expression(text):
        return compile_text(text, known)
    if name := _PLAIN_NAME.fullmatch(text):
        return _looked_up(text, name[1], known)
    source = re.sub(r"^[-+]|[-+]$", "", _without_comments(text)[2:-2])
    expression = _guard(text, lambda: _SANDBOX.compile_expression(source, undefined_to_none=False))
    return lambda variables: _defined(text, _guard(text, lambda: expression(dict(variables))))


def _looked_up(text: str, name: str, known: Variables) -> Template:
    """Compile `{{ name }}`, whose value is the variable itself."""
    if name in known:
        return Constant(known[name])

    def look_up(variables: Variables) -> Any:
        try:
            return variables[name]
        except KeyError:
            raise TemplateError(f"{text!r} has no value") from None

    return look_up


def _plain_parts(text: str) -> list[tuple[str, bool]] | None:
    """Split a text into its pieces, each with whether it is a name; None if it is not so plain."""
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


def _put_in(part: tuple[str, bool], known: Variables) -> tuple[str, bool]:
    text, is_name = part
    return (str(known[text]), False) if is_name and text in known else part


def _joined(text: str, parts: list[tuple[str, bool]]) -> Template:
    """Compile literal pieces and names into a text."""
    names = [part for part, is_name in parts if is_name]
    if not names:
        return Constant("".join(part for part, _ in parts))
    pattern = "".join("%s" if is_name else part.replace("%", "%%") for part, is_name in parts)

    def join(variables: Variables) -> str:
        try:
            return pattern % tuple([variables[name] for name in names])
        except KeyError as error:
            raise TemplateError(
                f"the template {text!r} fails: {error.args[0]!r} is undefined"
            ) from None

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
    """Turn whatever a template of the user's raises, filters included, into a TemplateError."""
    try:
        return action()
    except Exception as error:
        raise TemplateError(f"the template {text!r} fails: {error}") from error
