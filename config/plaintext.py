"""Refuse secrets that a file holds in plaintext: by their place, by their name, or by their shape.

The file is copied into the evidence of every run, and usually kept in a repository.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from config.documents import Document
from config.errors import Problem
from config.local_files import AUTHS
from config.secrets import SECRET_NAME, is_public_name
from config.variables import Place, mapping_in, texts_in

_PLAINTEXT = "a secret in plaintext; write ${A_VARIABLE} instead, and export the variable"
_SHAPED = "looks like {0} in plaintext"
_REMEDIES = {
    "environment": "write ${A_VARIABLE} instead, and export the variable",
    "scenario": "write ${A_VARIABLE} instead, and export the variable",
}
_SHAPES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a JSON web token": r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    "an AWS access key": r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    "a GitHub token": r"(?<!\w)(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
    "a GitLab token": r"(?<!\w)glpat-[\w-]{16,}",
    "a Slack token": r"(?<!\w)xox[abeoprs]-[\w-]{8,}",
    "an API key": r"(?<![\w-])(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[\w-]{16,}",
    "a Google API key": r"(?<!\w)AIza[\w-]{35}",
}
_RANDOM = re.compile(r"[A-Za-z0-9+/_=.-]{32,}")
_RANDOM_BITS = 3.5  # per character; words have less, hexadecimal digits up to 4
_SECRETS_OF_AUTH = (
    ("basic", "password"), ("api_key", "value"), ("oauth2", "client_secret"),
    ("certificate", "password"),
)  # fmt: skip
_WITH_ADDRESSES = (("databases",), ("services",), ("apis",), ("links",))
_TRAFFIC = ("headers", "metrics_headers")


def plaintext_secrets(document: Document) -> list[Problem]:
    """Return a problem for each secret that an environment file holds instead of a variable.

    `document` must have been read without variables.
    """
    by_name = {
        location: f"{_dotted(location)}: {_PLAINTEXT}"
        for location, value in _secret_values(_content(document))
        if value not in (None, "") and "${" not in str(value)
    }
    problems = {**dict(_shaped(document, "environment")), **by_name}
    return [document.problem(location, message) for location, message in problems.items()]


def shaped_secrets(document: Document) -> list[Problem]:
    """Return a problem for each text of a scenario that has the shape of a secret."""
    return [document.problem(*each) for each in _shaped(document, "scenario")]


def hide_misread_secrets(document: Document) -> Document:
    """Return a document that does not quote a secret to show how its value was misread."""
    secret = {location for location, _ in _secret_values(_content(document))}
    shown = {place: reason for place, reason in document.misread.items() if place not in secret}
    return replace(document, misread=shown)


def _shaped(document: Document, kind: str) -> Iterator[tuple[Place, str]]:
    """Yield the place of each text with the shape of a secret, and a sentence about it."""
    content = _content(document)
    public = _public(content)
    for place, text in texts_in(content):
        if public.isdisjoint(str(part).lower() for part in place) and (what := _shape(place, text)):
            yield place, f"{_dotted(place)}: {_SHAPED.format(what)}; {_REMEDIES[kind]}"


def _shape(place: Place, text: str) -> str:
    """Return what a text looks like, or ""."""
    for what, pattern in _SHAPES.items():
        if re.search(pattern, text):
            return what
    is_named = not set(_TRAFFIC).isdisjoint(place[:-1]) and SECRET_NAME.search(str(place[-1]))
    randoms = _RANDOM.findall(re.sub(r"\$?\{.*?\}+", " ", text)) if is_named else ()
    return "a secret" if any(_bits(each) >= _RANDOM_BITS for each in randoms) else ""


def _bits(text: str) -> float:
    """Return the Shannon entropy of the characters of a text, in bits per character."""
    ratios = [count / len(text) for count in Counter(text).values()]
    return -sum(ratio * math.log2(ratio) for ratio in ratios)


def _secret_values(content: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Yield the location and value of each setting that must be a secret."""
    public = _public(content)
    prometheus = mapping_in(content, "prometheus")
    yield ("prometheus", "bearer_token"), prometheus.get("bearer_token")
    password = mapping_in(prometheus, "basic_auth").get("password")
    yield ("prometheus", "basic_auth", "password"), password
    for of_auth, secret in _SECRETS_OF_AUTH:
        value = mapping_in(prometheus, of_auth).get(secret)
        yield ("prometheus", of_auth, secret), value
    yield from _credentials(content)
    for location, value in _headers(content):
        name = location[-1]
        is_secret = SECRET_NAME.search(name) and not is_public_name(name)
        if is_secret and name.lower() not in public and "{{" not in str(value):
            yield location, value
    for place, text in texts_in(content):
        if place[:1] in _WITH_ADDRESSES and _has_secret(text, public):
            yield place, text


def _credentials(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the location and value of each secret of the credentials of services and APIs."""
    holders = (
        (kind, name, key, mapping_in(holder, key))
        for kind in ("services", "apis")
        for name, holder in mapping_in(content, kind).items()
        for key in AUTHS
    )
    for *place, auth in holders:
        yield (*place, "bearer"), auth.get("bearer")
        for of_auth, secret in _SECRETS_OF_AUTH:
            yield (*place, of_auth, secret), mapping_in(auth, of_auth).get(secret)


def _headers(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the location and value of each header."""
    services = mapping_in(content, "services").items()
    apis = mapping_in(content, "apis").items()
    holders = (
        ((), content, _TRAFFIC),
        (("prometheus",), mapping_in(content, "prometheus"), _TRAFFIC[:1]),
        *((("services", str(name)), service, _TRAFFIC) for name, service in services),
        *((("apis", str(name)), api, _TRAFFIC[:1]) for name, api in apis),
    )
    for location, holder, keys in holders:
        for key in keys:
            for name, value in mapping_in(holder, key).items():
                yield (*location, key, name), value


def _has_secret(url: str, public: frozenset[str]) -> bool:
    """Return whether an address has a password, or a secret in its query, in plaintext."""
    if "${" in url:
        return False
    try:
        address = urlsplit(url)
        query = parse_qsl(address.query)
        return bool(address.password) or any(
            SECRET_NAME.search(name) and not is_public_name(name) and name.lower() not in public
            for name, _ in query
        )
    except ValueError:
        return "://" in url  # malformed: the password may be anywhere in it


def _public(content: Mapping[str, Any]) -> frozenset[str]:
    names = content.get("public")
    return frozenset(map(str.lower, map(str, names if isinstance(names, list) else ())))


def _content(document: Document) -> dict[str, Any]:
    return document.content if isinstance(document.content, dict) else {}


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))
