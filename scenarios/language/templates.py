"""Compile the `{{ … }}` templates of a scenario, sandboxed, with undefined names as errors.

Compiling happens once, rendering once per request, so two cases avoid Jinja: a text with only
`{{ name }}` inside is formatted by Python, and what uses only known variables becomes a Constant.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression

from config.verbatim import TextPart
from scenarios.language.limits import BUDGET
from scenarios.language.sandbox import SANDBOX, filtered, outputs, parse
from scenarios.language.value_text import header_text, path_text, query_text, text_of

Variables = Mapping[str, Any]
Template = Callable[[Variables], Any]

_NO_VARIABLES: Variables = {}
_MARKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_PLAIN_NAME = re.compile(r"\s*\{\{\s*([a-z][a-z0-9_]*)\s*\}\}\s*")
_ENCODERS: Mapping[str, Callable[..., str]] = {
    "header_text": header_text, "path_text": path_text, "query_text": query_text
}  # fmt: skip

_SHOWN = 500

# A literal and None, or the name of a variable and what makes its value text.
Part = tuple[str, Callable[[Any], str] | None]


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
    """Compile a template whose value is always text. Raises TemplateError.

    >>> compile_text("is {{ flag }}: {{ ids }}")({"flag": True, "ids": ["x1"]})
    'is true: ["x1"]'
    """
    if "{" not in text:
        return Constant(text)
    return compile_tree(text, parse_template(text), known)


def compile_header(parts: Iterable[TextPart], known: Variables = _NO_VARIABLES) -> Template:
    """Compile a header's value; what an environment variable held is no template.

    Raises TemplateError, as may the function that it returns.
    """
    templates: list[Template] = []
    for part in parts:
        if part.is_verbatim:
            templates.append(Constant(part.text))
            continue
        tree = parse_template(part.text)
        for output, index in outputs(tree):
            if not isinstance(output.nodes[index], nodes.TemplateData):
                output.nodes[index] = filtered(output.nodes[index], "header_text")
        templates.append(compile_tree(part.text, tree, known))
    if all(isinstance(template, Constant) for template in templates):
        return Constant("".join(template(_NO_VARIABLES) for template in templates))
    if len(templates) == 1:
        return templates[0]
    return lambda variables: "".join([template(variables) for template in templates])


def parse_template(text: str) -> nodes.Template:
    """Parse a template. Raises TemplateError."""
    tree: nodes.Template = _guard(text, lambda: parse(text))
    return tree


def compile_tree(text: str, tree: nodes.Template, known: Variables) -> Template:
    """Compile the syntax tree of a text. Raises TemplateError."""
    is_plain = all(isinstance(node, nodes.Output) for node in tree.body)
    parts = [_plain_part(output.nodes[index]) for output, index in outputs(tree) if is_plain]
    if is_plain and all(parts):
        return _join(text, _guard(text, lambda: [
            (encode(known[name]), None) if encode and name in known else (name, encode)
            for name, encode in filter(None, parts)
        ]))  # fmt: skip
    template = _guard(text, lambda: SANDBOX.from_string(tree))
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
        tree = _guard(value, lambda: SANDBOX.parse(value))
        return meta.find_undeclared_variables(tree)
    members = [*value, *value.values()] if isinstance(value, dict) else value
    return set().union(*map(variables_in, members)) if isinstance(value, dict | list) else set()


def variables_in_header(parts: Iterable[TextPart]) -> set[str]:
    """Return the variables used by the templates of a header. Raises TemplateError."""
    return variables_in([part.text for part in parts if not part.is_verbatim])


def looks_like_template(text: str) -> bool:
    """Return whether a text has the marks of a template, for places where none is evaluated."""
    return _MARKS.search(text) is not None


def _compile_typed(text: str, known: Variables) -> Template:
    if not _is_one_expression(text):
        return compile_text(text, known)
    if name := _PLAIN_NAME.fullmatch(text):
        return _look_up(text, name[1], known)
    expression = _guard(text, lambda: _compile_expression(text))
    return lambda variables: _defined(text, _guard(text, lambda: expression(dict(variables))))


def _compile_expression(text: str) -> TemplateExpression:
    """Compile a text with one expression; it keeps the type of its value."""
    ((output, index),) = outputs(parse(_without_comments(text)))
    result = nodes.Assign(nodes.Name("result", "store"), output.nodes[index])
    template = nodes.Template([result])
    template.set_lineno(1).set_environment(SANDBOX)
    return TemplateExpression(SANDBOX.from_string(template), undefined_to_none=False)


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


def _plain_part(node: nodes.Expr) -> Part | None:
    match node:
        case nodes.TemplateData():
            return node.data, None
        case nodes.Name():
            return node.name, text_of
        case nodes.Filter(node=nodes.Name() as variable) if node.name in _ENCODERS:
            arguments = [constant.as_const() for constant in node.args]
            encode = _ENCODERS[node.name]
            return variable.name, (lambda value: encode(value, *arguments)) if arguments else encode
    return None


def _join(text: str, parts: list[Part]) -> Template:
    """Compile literals and names to a %-format, which is faster than Jinja."""
    names = [(name, encode) for name, encode in parts if encode]
    if not names:
        return Constant("".join(part for part, _ in parts))
    pattern = "".join("%s" if encode else part.replace("%", "%%") for part, encode in parts)

    def join(variables: Variables) -> str:
        try:
            return pattern % tuple([encode(variables[name]) for name, encode in names])
        except KeyError as error:
            message = f"the template {text!r} fails: {error.args[0]!r} is undefined"
            raise TemplateError(message) from None
        except Exception as error:
            raise TemplateError(f"the template {text!r} fails: {error}") from error

    return join


def _without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL).strip()


def _is_one_expression(text: str) -> bool:
    bare = _without_comments(text)
    if not (bare.startswith("{{") and bare.endswith("}}")):
        return False
    body = _guard(text, lambda: SANDBOX.parse(bare)).body
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
    BUDGET.restart()
    try:
        return action()
    except Exception as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise TemplateError(f"the template {shown!r} fails: {error}") from error
