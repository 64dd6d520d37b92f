"""Compile the `{{ … }}` templates of a scenario, sandboxed, with undefined names as errors.

Compiling happens once, rendering once per request, so two cases avoid Jinja: a text with only
`{{ name }}` or `{{ name.member }}` inside is formatted by Python, and what uses only known
variables becomes a Constant.
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
from scenarios.language.template_syntax import syntax_mistake
from scenarios.language.value_text import header_text, path_text, query_text, text_of

Variables = Mapping[str, Any]
Template = Callable[[Variables], Any]

_NO_VARIABLES: Variables = {}
_MARKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_PLAIN_NAME = re.compile(r"\s*\{\{\s*(?!(?:true|false|none)\s*\}\})([a-z][a-z0-9_]*)\s*\}\}\s*")
_PLAIN_MEMBER = re.compile(r"\s*\{\{\s*([a-z][a-z0-9_]*)\.([A-Za-z_]\w*)\s*\}\}\s*")
_ENCODERS: Mapping[str, Callable[..., str]] = {
    "header_text": header_text, "path_text": path_text, "query_text": query_text
}  # fmt: skip

_SHOWN = 500

# A literal and None, or the name of a variable and what makes its value text; and the member of the
# variable's value that is meant, if it is one.
Part = tuple[str, Callable[[Any], str] | None, str | None]


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
        plain = _guard(text, lambda: [
            (encode(known[name]), None, None) if encode and name in known and not member
            else (name, encode, member)
            for name, encode, member in filter(None, parts)
        ])  # fmt: skip
        if not any(member for _, _, member in plain):
            return _join(text, [(name, encode) for name, encode, _ in plain])
        return _join_members(plain, _rendered(text, tree, known))
    return _rendered(text, tree, known)


def _rendered(text: str, tree: nodes.Template, known: Variables) -> Template:
    template = _guard(text, lambda: SANDBOX.from_string(tree, dict(known)))
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
        names: set[str] = _guard(
            value, lambda: meta.find_undeclared_variables(SANDBOX.parse(value))
        )
        return names
    members = [*value, *value.values()] if isinstance(value, dict) else value
    return set().union(*map(variables_in, members)) if isinstance(value, dict | list) else set()


def members_in(text: str) -> set[tuple[str, str]]:
    """Return the members of variables that a template reads. Raises TemplateError.

    >>> sorted(members_in("{{ row.id }} of {{ row['the name'] | upper }}"))
    [('row', 'id'), ('row', 'the name')]
    """
    found: set[tuple[str, str]] = set()
    for node in _guard(text, lambda: SANDBOX.parse(text)).find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(node=nodes.Name(name=name), attr=str() as member):
                found.add((name, member))
            case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str() as member)):
                found.add((name, member))
    return found


def variables_in_header(parts: Iterable[TextPart]) -> set[str]:
    """Return the variables used by the templates of a header. Raises TemplateError."""
    return variables_in([part.text for part in parts if not part.is_verbatim])


def members_in_header(parts: Iterable[TextPart]) -> set[tuple[str, str]]:
    """Return the members of variables that a header reads. Raises TemplateError."""
    return set().union(*(members_in(part.text) for part in parts if not part.is_verbatim))


def looks_like_template(text: str) -> bool:
    """Return whether a text has the marks of a template, for places where none is evaluated."""
    return _MARKS.search(text) is not None


def _compile_typed(text: str, known: Variables) -> Template:
    if not is_expression(text):
        return compile_text(text, known)
    if name := _PLAIN_NAME.fullmatch(text):
        return _look_up(text, name[1], known)
    expression = _guard(text, lambda: _compile_expression(text, known))

    def evaluate(variables: Variables) -> Any:
        return _defined(text, _guard(text, lambda: expression(dict(variables))))

    if member := _PLAIN_MEMBER.fullmatch(text):
        return _look_up_member(member[1], member[2], evaluate)
    return evaluate


def _compile_expression(text: str, known: Variables) -> TemplateExpression:
    """Compile a text with one expression; it keeps the type of its value."""
    ((output, index),) = outputs(parse(_without_comments(text)))
    result = nodes.Assign(nodes.Name("result", "store"), output.nodes[index])
    template = nodes.Template([result])
    template.set_lineno(1).set_environment(SANDBOX)
    return TemplateExpression(SANDBOX.from_string(template, dict(known)), undefined_to_none=False)


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


def _look_up_member(name: str, member: str, evaluate: Template) -> Template:
    """Compile `{{ name.member }}`: the member's value; Jinja decides where there is none."""

    def look_up(variables: Variables) -> Any:
        owner = variables.get(name)
        return owner[member] if type(owner) is dict and member in owner else evaluate(variables)

    return look_up


def _plain_part(node: nodes.Expr) -> Part | None:
    if isinstance(node, nodes.TemplateData):
        return str(node.data), None, None
    encode: Callable[..., str] = text_of
    if isinstance(node, nodes.Filter) and node.node is not None and node.name in _ENCODERS:
        arguments = [constant.as_const() for constant in node.args]
        apply, node = _ENCODERS[node.name], node.node
        encode = (lambda value: apply(value, *arguments)) if arguments else apply
    match node:
        case nodes.Name(name=name):
            return str(name), encode, None
        case nodes.Getattr(node=nodes.Name(name=name), attr=member):
            return str(name), encode, str(member)
    return None


def _join_members(parts: list[Part], render: Template) -> Template:
    """Compile literals, names and members to a %-format; Jinja decides where one is missing."""
    values = [(name, encode, member) for name, encode, member in parts if encode]
    pattern = "".join("%s" if encode else name.replace("%", "%%") for name, encode, _ in parts)

    def join(variables: Variables) -> Any:
        try:
            return pattern % tuple([
                encode(variables[name] if member is None else _json_object(variables[name])[member])
                for name, encode, member in values
            ])  # fmt: skip
        except Exception:
            return render(variables)  # which raises the error with the text of the template

    return join


def _json_object(value: Any) -> dict[str, Any]:
    """Return a value of which Jinja, too, looks members up by their name first."""
    if type(value) is dict:
        return value
    raise TypeError


def _join(text: str, parts: list[tuple[str, Callable[[Any], str] | None]]) -> Template:
    """Compile literals and names to a %-format, which is faster than Jinja."""
    names = [(name, encode) for name, encode in parts if encode]
    if not names:
        return Constant("".join(part for part, _ in parts))
    pattern = "".join("%s" if encode else part.replace("%", "%%") for part, encode in parts)
    first, encode_first = names[0]
    has_others = len(names) > 1

    def join(variables: Variables) -> str:
        try:
            if not has_others:
                return pattern % encode_first(variables[first])
            return pattern % tuple([encode(variables[name]) for name, encode in names])
        except KeyError as error:
            message = f"the template {text!r} fails: {error.args[0]} has no value"
            raise TemplateError(message) from None
        except Exception as error:
            raise TemplateError(f"the template {text!r} fails: {error}") from error

    return join


def _without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL).strip()


def is_expression(text: str) -> bool:
    """Return whether a text is one expression, such as `{{ total > 10 }}`. Raises TemplateError."""
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
        if isinstance(error, jinja2.TemplateSyntaxError):
            mistake = syntax_mistake(text, error)
            raise TemplateError(f"the template {shown!r} is wrong: {mistake}") from error
        raise TemplateError(f"the template {shown!r} fails: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Return why a value cannot be computed."""
    if isinstance(error, ZeroDivisionError):
        return "it divides by zero"
    return str(error)
