"""Compile the target of a request: its literal text stays as written, its values are encoded.

Where a value stands decides how: before the first `?` of the literal text it is a part of a path,
after it a value of the query. Two filters of Jinja take over: what `| urlencode` returns is not
encoded again, and `| safe` inserts a value as it is.
"""

import re
from urllib.parse import unquote

from jinja2 import nodes

from scenarios.language.sandbox import filtered, outputs
from scenarios.language.templates import (
    Constant,
    Template,
    TemplateError,
    Variables,
    compile_tree,
    parse_template,
)

_EXPLICIT = ("urlencode", "safe")
_DOTS = (".", "..")
_VALUE = "\0"
_PARAMETER = re.compile(r"[?&]([^?&=#\0]+)=$")


def compile_target(base: str, text: str, known: Variables) -> Template:
    """Compile the path and query of a request, below the path of a service's URL.

    Raises TemplateError, as may the function that it returns.

    >>> compile_target("/v1", "/p/{{ a }}?q={{ a }}&b=/", {})({"a": "R&D/1"})
    '/v1/p/R%26D%2F1?q=R%26D%2F1&b=/'
    """
    tree = parse_template(text)
    literal = encode_values(tree)
    template = compile_tree(text, tree, known)
    allowed = _dot_segments(literal)
    if isinstance(template, Constant):
        return Constant(base + _checked(text, template.value, allowed))
    return lambda variables: base + _checked(text, template(variables), allowed)


def encode_values(tree: nodes.Template) -> str:
    """Encode each value for its place; return the literal text, with a sign for each value."""
    before, places = "", outputs(tree)
    for number, (output, index) in enumerate(places):
        node = output.nodes[index]
        if isinstance(node, nodes.TemplateData):
            before += node.data
            continue
        next_output, next_index = places[number + 1] if number + 1 < len(places) else (None, 0)
        following = next_output.nodes[next_index] if next_output else None
        output.nodes[index] = _encoded(node, before, following)
        before += _VALUE
    return before


def _encoded(node: nodes.Expr, before: str, following: nodes.Expr | None) -> nodes.Expr:
    if isinstance(node, nodes.CondExpr):
        node.expr1 = _encoded(node.expr1, before, following)
        node.expr2 = node.expr2 and _encoded(node.expr2, before, following)
        return node
    filters = [node] if isinstance(node, nodes.Filter) else []
    if any(each.name in _EXPLICIT for each in [*filters, *node.find_all(nodes.Filter)]):
        return node
    if "?" not in before:
        return filtered(node, "path_text")
    parameter = _PARAMETER.search(before)
    is_whole = following is None or (
        isinstance(following, nodes.TemplateData) and following.data[0] in "&#"
    )
    return filtered(node, "query_text", parameter[1] if parameter and is_whole else "")


def _checked(text: str, target: str, allowed: int) -> str:
    """Refuse a value that would leave the path: no encoding of `..` is safe.

    Proxies and frameworks decode `%2E%2E`, as RFC 3986 permits, and then remove the segment.
    """
    if ("/." in target or "/%2" in target) and _dot_segments(target) > allowed:
        raise TemplateError(f"the template {text!r} fails: a value is a segment of dots alone, "
                            "which would lead out of the path")  # fmt: skip
    return target


def _dot_segments(target: str) -> int:
    path = target.partition("?")[0]
    return sum(unquote(segment) in _DOTS for segment in path.split("/"))
