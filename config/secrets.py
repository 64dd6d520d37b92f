"""What must never be told? The values of an environment that show who asks."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from config.documents import Document
from config.errors import Problem
from config.prometheus import BasicAuth, Prometheus

_BLOT = "***"
_OPEN = "a secret stands in the file; write ${A_VARIABLE} for it, and export that"
_SHORTEST_SECRET = 8
_SCHEME = re.compile(r"(?i)(bearer|basic|token|apikey)\s+")
_TELLING = re.compile(r"(?i)authorization|cookie|token|secret|password|api-?key|credential")


def basic_credentials(auth: BasicAuth) -> str:
    """Return a user and password as HTTP's basic authentication sends them."""
    return base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()


def secrets_of_prometheus(settings: Prometheus) -> Iterator[str]:
    """Yield what shows who asks; a short header is a tenant's name rather than a secret."""
    yield from (each for each in settings.headers.values() if len(each) >= _SHORTEST_SECRET)
    if settings.bearer_token:
        yield settings.bearer_token
    if settings.basic_auth:
        yield settings.basic_auth.password
        yield basic_credentials(settings.basic_auth)


def secrets_of_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """Yield the values of the headers whose names tell that they are secret, without a scheme."""
    for name, value in headers.items():
        if _TELLING.search(name) and "{{" not in value:
            yield _SCHEME.sub("", value, count=1)


def secrets_of_databases(urls: Iterable[str]) -> Iterator[str]:
    """Yield the passwords in database addresses, as written and as meant."""
    for url in urls:
        password = _password(url)
        if password:
            yield password
            yield unquote(password)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return url


def blot_out(text: str, secrets: Iterable[str]) -> str:
    """Blot secrets out of a text, also where they are quoted for an address.

    Do this before anything is cut off: half a secret would not be found.

    >>> blot_out("who sent Bearer abc?", ["abc"])
    'who sent Bearer ***?'
    """
    forms = {
        form
        for each in secrets
        for form in (each, quote(each, safe=""), quote(each), quote_plus(each))
    }
    for form in sorted(filter(None, forms), key=len, reverse=True):
        text = text.replace(form, _BLOT)
    return text


def open_secrets(document: Document) -> list[Problem]:
    """Return the secrets that an environment's file tells instead of naming a variable.

    The file is copied into the evidence of every run. `document` is read without variables.
    """
    content = document.content if isinstance(document.content, dict) else {}
    return [
        document.problem(where, f"{'.'.join(where)}: {_OPEN}")
        for where, value in _secret_places(content)
        if isinstance(value, str) and value and "${" not in value
    ]


def _secret_places(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    prometheus = _mapping(content, "prometheus")
    yield ("prometheus", "bearer_token"), prometheus.get("bearer_token")
    password = _mapping(prometheus, "basic_auth").get("password")
    yield ("prometheus", "basic_auth", "password"), password
    for place in (("headers",), ("metrics_headers",), ("prometheus", "headers")):
        headers = _mapping(prometheus if len(place) > 1 else content, place[-1])
        for name, value in headers.items():
            if _TELLING.search(name) and "{{" not in str(value):
                yield (*place, name), value
    for name, url in _mapping(content, "databases").items():
        if isinstance(url, str) and "${" not in url and _password(url):
            yield ("databases", name), url


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}
