"""Compile a request for a link that a response gave: `GET shop {{ next }}`.

A link is a URL of the service's own origin or an absolute path there, and is sent as it is. What
follows it is encoded as in any other target. A fragment is not sent.
"""

from urllib.parse import urlsplit

from jinja2 import nodes

from scenarios.language.sandbox import filtered, outputs
from scenarios.language.target import encode_values
from scenarios.language.templates import (
    Template,
    TemplateError,
    Variables,
    compile_tree,
    parse_template,
)

_PORTS = {"http": 80, "https": 443}


def is_link(path: str) -> bool:
    """Return whether the path of a request begins with a value.

    >>> is_link("{{ next }}?page=2"), is_link("/orders/{{ id }}")
    (True, False)
    """
    return path.startswith("{{")


def compile_link(url: str, text: str, known: Variables) -> Template:
    """Compile the target of a request for a link to the service at `url`.

    Raises TemplateError, as may the function that it returns.

    >>> compile_link("http://a/v2", "{{ next }}?n=1", {})({"next": "http://a:80/v2/b"})
    '/v2/b?n=1'
    """
    tree = parse_template(text)
    places = outputs(tree)
    if places and not isinstance(places[0][0].nodes[0], nodes.TemplateData):
        output, index = places[0]
        output.nodes[index] = filtered(filtered(output.nodes[index], "header_text"), "safe")
    encode_values(tree)
    template = compile_tree(text, tree, known)
    return lambda variables: _target(template(variables), url)


def _target(link: str, url: str) -> str:
    """Return path and query of a link. Raises TemplateError unless it is one to this service."""
    try:
        service = urlsplit(url)
        parts = urlsplit(link, scheme=service.scheme)
        origin, own = (
            _origin(parts.scheme, parts.hostname, parts.port),
            _origin(service.scheme, service.hostname, service.port),
        )
    except ValueError as error:
        raise TemplateError(f"the link is not a URL: {error}") from error
    if (parts.netloc or parts.scheme != service.scheme) and origin != own:
        there = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        here = f"{service.scheme}://{service.netloc.rpartition('@')[2]}"
        raise TemplateError(f"the link leads to {there}, another origin than {here}")
    if not parts.netloc and not parts.path.startswith("/"):
        raise TemplateError("the link is neither a URL nor a path that begins with /")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int | None]:
    return scheme, host or "", port or _PORTS.get(scheme)
