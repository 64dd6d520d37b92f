"""Jinja, sandboxed and with undefined names as errors, in which values become text as in JSON.

Jinja itself would write Python's words: `True`, `None`, `['x1']`. Here every way from a value to
text, the filters and `~` among them, leads through `text_of`, and whatever grows or repeats is
bounded by `limits`.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scenarios.language.limits import (
    BUDGET,
    CALL_STEPS,
    check_arguments,
    check_operands,
    check_pattern,
    counted,
    spent,
)
from scenarios.language.value_text import (
    encode_json,
    header_text,
    kind_of,
    path_text,
    query_text,
    text_of,
    urlencoded,
)

# Filters of text: what they are applied to becomes text first.
_OF_TEXT = ("capitalize", "center", "indent", "lower", "replace", "title", "trim", "truncate",
            "upper", "wordcount", "wordwrap")  # fmt: skip
_OF_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)


class _Undefined(jinja2.StrictUndefined):
    """What has no value; whatever uses it is an error, which says so in the words of JSON."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        name, owner = self._undefined_name, self._undefined_obj
        if owner is jinja2.utils.missing:
            return f"{name} has no value"
        what = "member" if isinstance(name, str) else "element"
        return f"{kind_of(owner)} has no {what} {name}"


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["%", "*", "**", "+", "-", "/", "//"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a member of a JSON object; a method of Python only if there is no such member."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute `left % right`, where `left` may be a format of text, and the like."""
        check_operands(operator, left, right)
        if operator == "%" and isinstance(left, str):
            right = tuple(map(_formattable, right if isinstance(right, tuple) else (right,)))
        try:
            return spent(super().call_binop(context, operator, left, right))
        except TypeError:
            kinds = f"{kind_of(left)} and {kind_of(right)}"
            raise TypeError(f"{operator} does not work with {kinds}; convert one, as in "
                            "{{ value | int }}") from None  # fmt: skip

    def call(self, context: Any, callee: Any, /, *arguments: Any, **named: Any) -> Any:
        """Call a macro, or a method of a value."""
        BUDGET.step(CALL_STEPS)
        owner = getattr(callee, "__self__", None)
        if isinstance(owner, str | bytes | int):
            if getattr(callee, "__name__", "") == "translate":
                raise SecurityError("a template has no use for translate()")
            check_arguments(owner, (*arguments, *named.values()))
        return spent(super().call(context, callee, *arguments, **named))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return what stands for a text's own method `format`; None if `value` is not that."""
        apply = super().wrap_str_format(value)
        if apply is None:
            return None
        check_pattern(getattr(value, "__self__", None))
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
    texts, between = [spent(text_of(value)) for value in values], text_of(d)
    BUDGET.spend(len(between) * len(texts))
    return between.join(texts)


def _format(pattern: Any, *arguments: Any, **named: Any) -> str:
    check_pattern(text_of(pattern))
    values = {name: _formattable(value) for name, value in named.items()}
    return text_of(pattern) % (values or tuple(map(_formattable, arguments)))


def _bounded(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter whose arguments and result are bounded."""
    position = 1 if hasattr(apply, "jinja_pass_arg") else 0

    @wraps(apply)
    def apply_bounded(*arguments: Any, **options: Any) -> Any:
        BUDGET.step(CALL_STEPS)
        # what is truncated grows by nothing
        if name != "truncate":
            given = (*arguments[position + 1 :], *options.values())
            check_arguments(arguments[position], given)
        return spent(apply(*arguments, **options))

    return apply_bounded


def _finalize(value: Any) -> Any:
    return spent(text_of(value))


SANDBOX = _Sandbox(
    undefined=_Undefined,
    autoescape=False,
    keep_trailing_newline=True,
    finalize=_finalize,
)
SANDBOX.globals.clear()
FILTERS_OF_JINJA = sorted(SANDBOX.filters)
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


SANDBOX.filters = {name: _bounded(name, apply) for name, apply in SANDBOX.filters.items()}
SANDBOX.filters["counted"] = counted


def parse(text: str) -> nodes.Template:
    """Parse a template. Raises Jinja's errors."""
    tree = SANDBOX.parse(text)
    if next(tree.find_all(_OF_FILES), None):
        raise SecurityError("a template cannot include others; write its text in place")
    for concatenation in list(tree.find_all(nodes.Concat)):
        concatenation.nodes = [filtered(node, "string") for node in concatenation.nodes]
    for loop in list(tree.find_all(nodes.For)):
        body = sum(len(each.data) for each in loop.find_all(nodes.TemplateData))
        loop.iter = filtered(loop.iter, "counted", body)
    return tree


def filtered(node: nodes.Node, name: str, *arguments: str | int) -> nodes.Filter:
    """Return an expression to which a filter is applied."""
    constants = [nodes.Const(each, lineno=node.lineno) for each in arguments]
    new = nodes.Filter(node, name, constants, [], None, None, lineno=node.lineno)
    new.set_environment(SANDBOX)
    return new


def outputs(tree: nodes.Template) -> list[tuple[nodes.Output, int]]:
    """Return the place of each literal and each value, in the order of the text."""
    found = tree.find_all(nodes.Output)
    return [(output, index) for output in found for index in range(len(output.nodes))]
