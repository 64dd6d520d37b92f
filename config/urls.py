"""What is an address that requests can go to? An http or https URL of a host, without a secret.

Addresses stand in reports. One with a secret in it is refused without showing it.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_SPACE = re.compile(r"\s")


def _url(text: str) -> str:
    if "@" in text:
        raise ValueError("an address has no user and password in it; write a header")
    if not text.startswith(("http://", "https://")) or not _has_host(text):
        raise ValueError(f"{text!r} is not an address; write http://… or https://…")
    if not text.isascii():
        raise ValueError(f"{text!r} is not ASCII; write its host as DNS has it, xn--…")
    return text.rstrip("/")


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not _SPACE.search(url)
    except ValueError:
        return False


def _base(text: str) -> str:
    if "?" in text or "#" in text:
        raise ValueError("an address ends before any ? or #; write a header")
    return text


def _of_prometheus(text: str) -> str:
    if "@" in text:
        raise ValueError("an address has no user and password in it; write basic_auth")
    if "?" in text or "#" in text:
        raise ValueError("an address ends before any ? or #; write headers or bearer_token")
    return text


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a path; write /…")
    return text


Url = Annotated[str, AfterValidator(_url)]
BaseUrl = Annotated[str, AfterValidator(_base), AfterValidator(_url)]
PrometheusUrl = Annotated[str, AfterValidator(_of_prometheus), AfterValidator(_url)]
UrlPath = Annotated[str, AfterValidator(_path)]
