"""Jinja, sandboxed and with undefined names as errors, in which values become text as in JSON.

Jinja itself would write Python's words: `True`, `None`, `['x1']`. Here every way from a value to
text, the filters and `~` among them, leads through `text_of`.
"""

from collections.abc import Callable, Iterable
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scenarios.language.value_text import (
    encode_json,
    header_text,
    path_text,
    query_text,
    text_of,
    urlencoded,
)

# Filters of text: what they are applied to becomes text first.
_OF_TEXT = ("capitalize", "center", "indent", "lower", "replace", "title", "trim", "truncate",
            "upper", "wordcount", "wordwrap")  # fmt: skip


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute `left % right`, where `left` may be a format of text."""
        if isinstance(left, str):
            right = tuple(map(_formattable, right if isinstance(right, tuple) else (right,)))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return what stands for a text's own method `format`; None if `value` is not that."""
        apply = super().wrap_str_format(value)
        if apply is None:
            return None
        return lambda *arguments, **named: apply(
            *map(_formattable, arguments),
            **{name: _formattable(each) for name, each in named.items()},
        )


def _formattable(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else text_of(value)


def _of_text(name: str) -> Callable[..., Any]:
    apply = FILTERS[name]
    passes_environment = hasattr(apply, "jinja_pass_arg")

    def apply_to_text(*arguments: Any, **options: Any) -> Any:
        position = 1 if passes_environment else 0
        before, value, after = arguments[:position], arguments[position], arguments[position + 1 :]
        return apply(*before, text_of(value), *after, **options)

    if passes_environment:
        apply_to_text.jinja_pass_arg = apply.jinja_pass_arg  # type: ignore[attr-defined]
    return apply_to_text


@jinja2.pass_context
def _join(context: Context, values: Iterable[Any], d: str = "", attribute: Any = None) -> str:
    if attribute is not None:
        values = FILTERS["map"](context, values, attribute=attribute)
    return text_of(d).join(map(text_of, values))


def _format(pattern: Any, *arguments: Any, **named: Any) -> str:
    values = {name: _formattable(value) for name, value in named.items()}
    return text_of(pattern) % (values or tuple(map(_formattable, arguments)))


SANDBOX = _Sandbox(
    undefined=jinja2.StrictUndefined,
    autoescape=False,
    keep_trailing_newline=True,
    finalize=text_of,
)
SANDBOX.globals.clear()
SANDBOX.filters |= {
    **{name: _of_text(name) for name in _OF_TEXT},
    "format": _format,
    "join": _join,
    "safe": text_of,
    "string": text_of,
    "tojson": lambda value: encode_json(value).decode(),
    "urlencode": urlencoded,
    "header_text": header_text,
    "path_text": path_text,
    "query_text": query_text,
}


def parse(text: str) -> nodes.Template:
    """Parse a template. Raises Jinja's errors."""
    tree = SANDBOX.parse(text)
    for concatenation in list(tree.find_all(nodes.Concat)):
        concatenation.nodes = [filtered(node, "string") for node in concatenation.nodes]
    return tree


def filtered(node: nodes.Expr, name: str, *arguments: str) -> nodes.Filter:
    """Return an expression to which a filter is applied."""
    constants = [nodes.Const(each, lineno=node.lineno) for each in arguments]
    new = nodes.Filter(node, name, constants, [], None, None, lineno=node.lineno)
    new.set_environment(SANDBOX)
    return new


def outputs(tree: nodes.Template) -> list[tuple[nodes.Output, int]]:
    """Return the place of each literal and each value, in the order of the text."""
    found = tree.find_all(nodes.Output)
    return [(output, index) for output in found for index in range(len(output.nodes))]
