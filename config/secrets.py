"""Find the secrets of an environment, in what is used and in what is written in its file."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from config.documents import Document
from config.errors import Problem
from config.prometheus import BasicAuth, Prometheus
from config.verbatim import TextPart

_PLAINTEXT = "a secret in plaintext; write ${A_VARIABLE} instead, and export the variable"
_SHORTEST_SECRET = 8
_SCHEME = re.compile(r"(?i)(bearer|basic|token|apikey)\s+")
_SECRET_NAME = re.compile(r"(?i)authorization|cookie|token|secret|password|api-?key|credential")


def basic_credentials(auth: BasicAuth) -> str:
    """Return username and password in the Base64 form of HTTP basic authentication."""
    return base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()


def secrets_of_prometheus(settings: Prometheus) -> Iterator[str]:
    """Yield the credentials; a header of less than 8 characters is a tenant, not a secret."""
    yield from (value for value in settings.headers.values() if len(value) >= _SHORTEST_SECRET)
    if settings.bearer_token:
        yield settings.bearer_token
    if settings.basic_auth:
        yield settings.basic_auth.password
        yield basic_credentials(settings.basic_auth)


def secrets_of_headers(headers: Mapping[str, Iterable[TextPart]]) -> Iterator[str]:
    """Yield the values of headers with a secret's name, and what came from variables in them.

    A scheme such as Bearer is left out.
    """
    for name, parts in headers.items():
        written = tuple(parts) if _SECRET_NAME.search(name) else ()
        values = [part.text for part in written if part.is_verbatim and part.text]
        # A template such as {{ token }} is filled during the run: its value is not known yet.
        if written and all(part.is_verbatim or "{{" not in part.text for part in written):
            values.insert(0, "".join(part.text for part in written))
        yield from (_SCHEME.sub("", value, count=1) for value in values)


def secrets_of_databases(urls: Iterable[str]) -> Iterator[str]:
    """Yield the passwords in database URLs, as written and percent-decoded."""
    for url in urls:
        password = _password(url)
        if password:
            yield password
            yield unquote(password)


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return url  # malformed: the password may be anywhere in it


def plaintext_secrets(document: Document) -> list[Problem]:
    """Return a problem for each secret that an environment file holds instead of a variable.

    `document` must have been read without variables.
    """
    content = document.content if isinstance(document.content, dict) else {}
    return [
        document.problem(location, f"{'.'.join(location)}: {_PLAINTEXT}")
        for location, value in _secret_values(content)
        if value not in (None, "") and "${" not in str(value)
    ]


def hide_misread_secrets(document: Document) -> Document:
    """Return a document that does not quote a secret to show how its value was misread."""
    content = document.content if isinstance(document.content, dict) else {}
    secret = {location for location, _ in _secret_values(content)}
    shown = {place: reason for place, reason in document.misread.items() if place not in secret}
    return replace(document, misread=shown)


def _secret_values(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the location and value of each setting that must be a secret."""
    prometheus = _mapping(content, "prometheus")
    yield ("prometheus", "bearer_token"), prometheus.get("bearer_token")
    password = _mapping(prometheus, "basic_auth").get("password")
    yield ("prometheus", "basic_auth", "password"), password
    for location in (("headers",), ("metrics_headers",), ("prometheus", "headers")):
        headers = _mapping(prometheus if len(location) > 1 else content, location[-1])
        for name, value in headers.items():
            if _SECRET_NAME.search(name) and "{{" not in str(value):
                yield (*location, name), value
    for name, url in _mapping(content, "databases").items():
        if isinstance(url, str) and "${" not in url and _password(url):
            yield ("databases", name), url


def _mapping(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}
