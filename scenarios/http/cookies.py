"""Cookies as RFC 6265 has them: kept from responses, and sent with the requests that they are for.

A cookie is for its host, or for the hosts below its Domain, for the paths below its Path, and with
Secure for TLS only. Ports do not count. Max-Age or Expires in the past delete it.
"""

from collections.abc import Iterator
from http.cookiejar import http2time  # type: ignore[attr-defined]  # typeshed lacks it
from ipaddress import ip_address
from typing import NamedTuple

from msgspec.structs import replace

from config.clock import CLOCK
from scenarios.http.messages import Origin, Request, Response
from scenarios.http.response_parts import header_texts

_MAX_COOKIES = 300
_MAX_CHARACTERS = 4_096  # of a name with its value

Key = tuple[str, str, str]


class Cookie(NamedTuple):
    """One cookie. `expires_at` is in epoch seconds."""

    name: str
    value: str
    domain: str
    path: str
    host_only: bool
    secure: bool
    expires_at: float = float("inf")

    def is_for(self, origin: Origin, path: str, now_at: float) -> bool:
        """Return whether a request has this cookie."""
        if self.expires_at <= now_at or (self.secure and not origin.is_tls):
            return False
        host = origin.host.lower()
        is_host = host == self.domain or (not self.host_only and _is_below(host, self.domain))
        return is_host and _path_matches(path, self.path)


class CookieJar:
    """The cookies of one user. Its owner decides how long they live; false while it is empty."""

    def __init__(self) -> None:
        """Begin without cookies."""
        self._cookies: dict[Key, Cookie] = {}

    def __bool__(self) -> bool:
        """Return whether there are cookies."""
        return bool(self._cookies)

    def __iter__(self) -> Iterator[Cookie]:
        """Yield each cookie."""
        return iter(tuple(self._cookies.values()))

    def keep(self, request: Request, response: Response) -> list[Cookie]:
        """Keep the cookies that a response sets, and delete those that it ends; return the kept."""
        origin, now_at = request.template.origin, CLOCK.now_at()
        kept = []
        for text in header_texts(response.head, "Set-Cookie"):
            cookie = parse_cookie(text, origin, request.target, now_at)
            if cookie is None:
                continue
            key = cookie.domain, cookie.path, cookie.name
            if cookie.expires_at <= now_at:
                self._cookies.pop(key, None)
                continue
            self._cookies[key] = cookie
            kept.append(cookie)
            if len(self._cookies) > _MAX_COOKIES:
                del self._cookies[next(iter(self._cookies))]
        return kept

    def added_to(self, request: Request) -> Request:
        """Return a request with the cookies that are for it, those of longer paths first."""
        origin, now_at = request.template.origin, CLOCK.now_at()
        path = request.target.partition("?")[0]
        cookies = [each for each in self._cookies.values() if each.is_for(origin, path, now_at)]
        if not cookies:
            return request
        cookies.sort(key=lambda cookie: -len(cookie.path))
        text = "; ".join([f"{cookie.name}={cookie.value}" for cookie in cookies])
        return replace(request, headers=(*request.headers, ("Cookie", text)))


def parse_cookie(text: str, origin: Origin, target: str, now_at: float) -> Cookie | None:
    """Parse the value of Set-Cookie, in a response to a request for `target`.

    Return None for one that must be ignored: without a name, too long, or for a foreign domain.
    """
    pair, _, rest = text.partition(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not name or len(name) + len(value) > _MAX_CHARACTERS:
        return None
    attributes = dict(_attributes(rest))
    host, domain = origin.host.lower(), attributes.get("domain", "").lstrip(".").lower()
    if domain and domain != host and not (_is_below(host, domain) and "." in domain):
        return None
    path = attributes.get("path", "")
    return Cookie(
        name, value, domain or host,
        path if path.startswith("/") else _default_path(target),
        host_only=not domain, secure="secure" in attributes,
        expires_at=_expires_at(attributes, now_at),
    )  # fmt: skip


def _attributes(text: str) -> Iterator[tuple[str, str]]:
    for each in text.split(";"):
        name, _, value = each.partition("=")
        yield name.strip().lower(), value.strip()


def _expires_at(attributes: dict[str, str], now_at: float) -> float:
    max_age = attributes.get("max-age", "")
    if max_age.removeprefix("-").isdecimal() and max_age.isascii():
        return now_at + float(max_age)
    expires_at = http2time(attributes.get("expires", ""))
    return float("inf") if expires_at is None else float(expires_at)


def _default_path(target: str) -> str:
    """Return the folder of a path, as a cookie without a Path has it."""
    return target.partition("?")[0].rpartition("/")[0] or "/"


def _path_matches(path: str, of_cookie: str) -> bool:
    return path == of_cookie or path.startswith(f"{of_cookie.rstrip('/')}/")


def _is_below(host: str, domain: str) -> bool:
    if not host.endswith(f".{domain}"):
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return False
