"""Find placeholders of other tools in a path, which would be sent as they are written."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from scenarios.language.identifiers import suggested_name

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
# {order} of OpenAPI, #{order} of Gatling, <int:order> of Flask, :order of Express, [order] of Next
_BRACKETS = r"[#%@]?\{([A-Za-z_][\w.-]*)\}|<(?:[a-z]+:)?([A-Za-z_]\w*)>"
_SEGMENT = re.compile(rf"{_BRACKETS}|:([A-Za-z_]\w*)|\[([A-Za-z_]\w*)\]", re.ASCII)
_QUERY_VALUE = re.compile(_BRACKETS, re.ASCII)


def find_placeholders(target: str) -> Iterator[str]:
    """Yield one sentence for each segment, or value of the query, that is a placeholder alone.

    A colon or a brace within a segment is literal:

    >>> list(find_placeholders("/v1/models:predict/{{ id }}/a{b}?at=12:30"))
    []
    >>> list(find_placeholders("/orders/:orderId"))
    [':orderId would be sent as it is; write {{ order_id }}, or %3AorderId if it is meant']
    """
    path, _, query = _TEMPLATE.sub("\0", target).partition("?")
    values = (parameter.partition("=")[2] for parameter in query.split("&"))
    places = [(_SEGMENT, path.split("/")), (_QUERY_VALUE, values)]
    for pattern, texts in places:
        for text in texts:
            if found := pattern.fullmatch(text):
                name = suggested_name(next(filter(None, found.groups())))
                meant = quote(text, safe="")
                sent = f"{text} would be sent as it is"
                yield f"{sent}; write {{{{ {name} }}}}, or {meant} if it is meant"
