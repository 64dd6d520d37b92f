"""Decide which values are secrets: may not appear in evidence, in a report or in any output.

A secret is whatever came from a `${VARIABLE}`, and whatever stands in a header, in the user part or
in the query of an address, unless it is declared in `public`, or is public by itself:

- addresses, names and limits: what a report has to show, whether a variable holds it or not;
- headers and query parameters that describe a message or select a tenant, such as Accept;
- values of less than four characters, `true` and the like, and media types;
- of values that the file has in plaintext, also single words and numbers;
- values that the files have elsewhere in plain sight, such as a label or the name of a service.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from config.auth import Auth, basic_credentials
from config.prometheus import Prometheus
from config.variables import texts_in
from config.verbatim import TextPart

# Of a value that a response brought; no header takes a longer one.
MAX_LENGTH, MAX_TEXTS = 16_384, 100

_SHORTEST = 4
_SHORTEST_PIECE = 6
_SCHEME = re.compile(r"(?i)(bearer|basic|token|apikey|digest|negotiate|key)\s+")
SECRET_NAME = re.compile(
    r"(?i)auth(?!or(?!i))|cookie|token|secret|passw|passphrase|credential|signature|pwd"
    r"|api-?_?key|access-?_?key|[-_]key$|^key$|^sig$"
)
_PUBLIC_NAMES = re.compile(
    r"(?i)accept(-\w+)?|cache-control|connection|content-\w+|date|dnt|expect|host|if-\w+(-\w+)?"
    r"|origin|pragma|prefer|range|user-agent|x-requested-with|x-scope-orgid|x-tenant(-id)?"
    # of database URLs and of exporters
    r"|sslmode|sslrootcert|sslcert|sslkey|application_name|connect_timeout|options|mode|uri"
    r"|charset|unix_socket|ssl[-_](mode|ca|cert|key)"
    r"|target_session_attrs|client_encoding|format|module|target|collect\[\]|name\[\]|match\[\]"
)
_MEDIA_TYPE = r"\*/\*|(?:application|audio|font|image|message|multipart|text|video)/[\w.+*-]+.*"
_GENERIC = re.compile(rf"(?i)true|false|null|none|undefined|default|{_MEDIA_TYPE}")
# A word in one case, a number, a version or a date: what anybody's messages have.
_WORD = re.compile(r"[A-Z]?[a-z]{1,11}|[A-Z]{1,12}|v?\d{1,8}(?:[.:/-]\d{1,4}){0,3}")


class Value(NamedTuple):
    """A value that may be a secret, and the names of which one may be declared public.

    One that `is_certain` came from a variable, or stands where only secrets do: it may be a word.
    """

    text: str
    names: tuple[str, ...]
    is_certain: bool = True


@dataclass(frozen=True)
class Publicity:
    """What is no secret: the names that are declared public, and a text that is in plain sight."""

    names: frozenset[str] = frozenset()
    plain: str = ""

    @staticmethod
    def of(names: Iterable[str], plain: Iterable[str]) -> "Publicity":
        """Return the publicity of names, in any case, and of texts in plain sight."""
        return Publicity(frozenset(map(str.lower, names)), "\n".join(plain).lower())

    def secrets(self, values: Iterable[Value]) -> tuple[str, ...]:
        """Return the secrets among values, each once."""
        return tuple(dict.fromkeys(value.text for value in values if self._is_secret(value)))

    def _is_secret(self, value: Value) -> bool:
        text = value.text
        if len(text) < _SHORTEST or _GENERIC.fullmatch(text):
            return False
        if not value.is_certain and _WORD.fullmatch(text):
            return False
        return self.names.isdisjoint(map(str.lower, value.names)) and text.lower() not in self.plain


def secrets_of_prometheus(settings: Prometheus) -> tuple[str, ...]:
    """Return the secrets of the settings alone, as if all of them came from variables."""
    headers = {
        name: (TextPart(value, is_verbatim=True),) for name, value in settings.headers.items()
    }
    return Publicity().secrets(values_of_prometheus(settings, headers))


def values_of_prometheus(
    settings: Prometheus, headers: Mapping[str, Iterable[TextPart]]
) -> Iterator[Value]:
    """Yield the credentials of Prometheus, with its headers in parts."""
    yield from values_of_headers(headers)
    if settings.bearer_token:
        yield Value(settings.bearer_token, ())
    yield from values_of_auth(settings.fetched)
    if settings.basic_auth:
        yield from values_of_user(settings.basic_auth.username, settings.basic_auth.password)


def values_of_auth(auth: Auth) -> Iterator[Value]:
    """Yield the credentials of a service; a token that is fetched is known only during the run."""
    if auth.basic:
        yield from values_of_user(auth.basic.username, auth.basic.password)
    if auth.oauth2:
        yield from values_of_user(auth.oauth2.client_id, auth.oauth2.client_secret)
        yield Value(auth.oauth2.basic_credentials(), ())
        yield from values_of_url((TextPart(auth.oauth2.token_url),))
    password = auth.certificate and auth.certificate.password
    for secret in (auth.bearer, auth.api_key and auth.api_key.value, password):
        if secret:
            yield Value(secret, ())


def secrets_in(value: Any) -> Iterator[str]:
    """Yield the secrets in a value that a response brought: its texts, up to the bounds."""
    found = (text[:MAX_LENGTH] for _, text in islice(texts_in(value), MAX_TEXTS))
    yield from Publicity().secrets(Value(text, ()) for text in found)


def is_bounded(value: Any) -> bool:
    """Return whether all secrets in a value are found: of more, forms would fill the memory."""
    texts = [len(text) for _, text in islice(texts_in(value), MAX_TEXTS + 1)]
    return len(texts) <= MAX_TEXTS and sum(texts) <= MAX_LENGTH


def is_word(text: str) -> bool:
    """Return whether a text is a word, a number or a date, as anybody's messages have them."""
    return _WORD.fullmatch(text) is not None


def is_public_name(name: str) -> bool:
    """Return whether a header or query parameter of this name never holds a secret."""
    return _PUBLIC_NAMES.fullmatch(name) is not None


def values_of_headers(headers: Mapping[str, Iterable[TextPart]]) -> Iterator[Value]:
    """Yield the values of headers: what came from variables, the whole, and its pieces.

    A scheme such as Bearer is left out. The value of a template such as `{{ token }}` is known only
    during the run.
    """
    for name, iterable in headers.items():
        if is_public_name(name):
            continue
        parts = tuple(iterable)
        variables = [part for part in parts if part.is_verbatim and part.text]
        names = (name, *(part.variable for part in variables if part.variable))
        for part in variables:
            yield from _of_header(part.text, (name, part.variable), is_certain=True)
        if all(part.is_verbatim or "{{" not in part.text for part in parts):
            is_certain = bool(variables or SECRET_NAME.search(name))
            yield from _of_header("".join(part.text for part in parts), names, is_certain)


def _of_header(text: str, names: tuple[str, ...], is_certain: bool) -> Iterator[Value]:
    credentials = _SCHEME.sub("", text.strip(), count=1)
    yield Value(credentials, names, is_certain)
    if _SCHEME.match(text) and text[:5].lower() == "basic":
        user, colon, password = _decoded(credentials).partition(":")
        yield from values_of_user(user, password if colon else "", names)
    # an echo may take a cookie or a list of parameters apart
    for piece in re.split(r"[;,\s]+", credentials):
        value = piece.partition("=")[2].strip('"') or piece
        if value != credentials and len(value) >= _SHORTEST_PIECE:
            yield Value(value, names, is_certain=False)


def values_of_user(user: str, password: str, names: tuple[str, ...] = ()) -> Iterator[Value]:
    """Yield what can be secret of a user's credentials, and both in their encoded form."""
    yield Value(user, names, is_certain=False)
    if password:
        yield Value(password, names)
        yield Value(f"{user}:{password}", names)
        yield Value(basic_credentials(user, password), names)


def values_of_url(parts: Iterable[TextPart]) -> Iterator[Value]:
    """Yield the user, the password and the query of an address, as written and decoded.

    What came from a variable in the midst of a path or query is yielded, too.
    """
    parts = tuple(parts)
    url = "".join(part.text for part in parts)
    variables = tuple(part.variable for part in parts if part.variable)
    try:
        address = urlsplit(url)
        user, password = address.username or "", address.password or ""
    except ValueError:
        yield Value(url, variables)  # malformed: the password may be anywhere in it
        return
    for decode in (str, unquote):
        yield from values_of_user(decode(user), decode(password), variables)
    yield from values_of_query(address.query, variables, is_certain=bool(variables))
    before = ""
    for part in parts:
        if part.is_verbatim and ("://" in before or before.startswith("/")):
            yield from values_of_part(part, before)
        before += part.text


def values_of_query(
    query: str, variables: tuple[str, ...] = (), *, is_certain: bool = False
) -> Iterator[Value]:
    """Yield the values of a query, as written and decoded; one with a template is not known yet."""
    written = (pair.partition("=")[::2] for pair in query.split("&"))
    for name, value in (*written, *parse_qsl(query)):
        if not is_public_name(name) and "{{" not in value:
            is_named = bool(SECRET_NAME.search(name))
            yield Value(value, (unquote(name), *variables), is_certain or is_named)


def values_of_part(part: TextPart, before: str) -> Iterator[Value]:
    """Yield what a variable holds in the midst of an address, unless that is host or port."""
    has_path = before.startswith("/") or "/" in before.partition("://")[2]
    is_query = "?" in before
    is_password = not has_path and ":" in before.partition("://")[2] and "@" not in before
    if is_password and part.text.isdigit():
        return  # a port
    if has_path or is_password:
        names = (part.variable, *re.findall(r"[?&]([^=&]+)=[^&]*$", before))
        if not is_public_name(names[-1]):
            yield Value(part.text, names, is_certain=is_query or is_password)
            yield Value(unquote(part.text), names, is_certain=is_query or is_password)


def _decoded(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
