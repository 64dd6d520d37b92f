"""Write values as text: in the words of JSON, and encoded for the place where they stand.

"is {{ flag }}"    is true                  in text: JSON, but text without its quotes
/p/{{ name }}      /p/a%2Fb                 in a path: one segment, or a part of it
?q={{ name }}      ?q=a%2Fb                 in a query: a value
?ids={{ ids }}     ?ids=x1&ids=x2           a list as the whole value: repeated
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
from jinja2 import Undefined

_DOTS = re.compile(r"(?:^|(?<=%2F))\.{1,2}(?=%2F|$)")
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def encode_json(value: Any) -> bytes:
    """Encode a value as JSON. Raises TypeError, ValueError and others for what JSON lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    return _encoder.encode(value)


def text_of(value: Any) -> str:
    """Return text as it is, and anything else as JSON. Raises what `encode_json` raises.

    >>> [text_of(value) for value in (True, None, ["x1"], 19.9, 1e21, 10**22, {"k": "é"})]
    ['true', 'null', '["x1"]', '19.9', '1e21', '10000000000000000000000', '{"k":"é"}']
    """
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str(value)
    return encode_json(list(value) if isinstance(value, Iterator) else value).decode()


def header_text(value: Any) -> str:
    """Return the text of a value for a header. Raises ValueError for null."""
    return text_of(_not_null(value))


def path_text(value: Any) -> str:
    """Encode a value as one segment of a path, or a part of it. Raises ValueError for null.

    >>> path_text("R&D #1/2"), path_text("../admin")
    ('R%26D%20%231%2F2', '%2E%2E%2Fadmin')
    """
    text = value if type(value) is str else text_of(_not_null(value))
    if _UNRESERVED.fullmatch(text):
        return text
    # A server that decodes %2F too early must not find a `..` beside it.
    return _DOTS.sub(lambda dots: "%2E" * len(dots[0]), quote(text, safe=""))


def query_text(value: Any, name: str = "") -> str:
    """Encode a value of a query; a list as the whole value of `name` is repeated.

    >>> query_text(["x1", True], "ids")
    'x1&ids=true'
    """
    if name and isinstance(value, list | tuple | Iterator):
        return f"&{name}=".join(map(query_text, value))
    return quote(text_of(_not_null(value)), safe="")


def form_text(value: Any) -> str:
    """Encode a value of a URL-encoded form. Raises ValueError for null."""
    return quote_plus(text_of(_not_null(value)))


def urlencoded(value: Any) -> str:
    """Encode a value explicitly; a `/` stays, and a mapping becomes a query.

    >>> urlencoded("a/b c"), urlencoded({"q": "a/b", "ids": [1, 2]})
    ('a/b%20c', 'q=a%2Fb&ids=1&ids=2')
    """
    if isinstance(value, Mapping):
        pairs = [(query_text(name), member) for name, member in value.items()]
        return "&".join(f"{name}={query_text(member, name)}" for name, member in pairs)
    return quote(text_of(_not_null(value)), safe="/")


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("a value is null, which has no text here")
    return value


def _encode_other(value: Any) -> Any:
    if isinstance(value, Undefined):
        return str(value)  # raises Jinja's error, which has the name
    raise TypeError(f"{type(value).__name__} is not a JSON value")


_encoder = msgspec.json.Encoder(enc_hook=_encode_other)


def kind_of(value: Any) -> str:
    """Return what a value is, in the words of JSON.

    >>> [kind_of(value) for value in (None, True, 1.5, "a", [1], {"a": 1})]
    ['null', 'a boolean', 'a number', 'a text', 'a list', 'an object']
    """
    if value is None:
        return "null"
    kinds = ((bool, "a boolean"), (int | float, "a number"), (str, "a text"),
             (list | tuple, "a list"), (dict, "an object"))  # fmt: skip
    return next((kind for types, kind in kinds if isinstance(value, types)), "a value")
