"""A hostile response: what a server writes after any request, until the client leaves.

A case either floods or drips. One that floods runs into a limit of size or form; one that drips,
or says nothing, runs into the deadline, so that it is asked with a short one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat

Pieces = Iterator[bytes]

TICK_S = 0.05
PIECE = b"x" * 65_536


@dataclass(frozen=True)
class Case:
    """What is written, and the time between two pieces in seconds.

    `stays_open` means that the connection takes further requests.
    """

    name: str
    pieces: Callable[[], Pieces]
    tick_s: float = 0.0
    stays_open: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether only a deadline ends it."""
        return self.tick_s > 0


def head(*lines: str, status: str = "200 OK") -> bytes:
    """Return a head with these lines."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines]).encode() + b"\r\n\r\n"


def whole(body: bytes, *lines: str) -> bytes:
    """Return a response with this body and its length."""
    return head(f"Content-Length: {len(body)}", *lines) + body


def chunk(body: bytes, extension: bytes = b"") -> bytes:
    """Return one chunk."""
    return b"%x%s\r\n%s\r\n" % (len(body), extension, body)


CHUNKED = head("Transfer-Encoding: chunked")


def flood(name: str, *start: bytes, then: bytes) -> Case:
    """Return a case that repeats its last piece as fast as it is read."""
    return Case(name, lambda: chain(start, repeat(then)))


def once(name: str, build: Callable[[], bytes]) -> Case:
    """Return a case that is written once; its bytes are built when they are first asked for."""
    built = cache(build)
    return Case(name, lambda: iter([built()]))


def sent(name: str, *pieces: bytes) -> Case:
    """Return a case of a few bytes."""
    return Case(name, lambda: iter([b"".join(pieces)]))


def drip(name: str, start: bytes, each: bytes = b"x") -> Case:
    """Return a case whose pieces come one by one, without end."""
    return Case(name, lambda: chain([start], repeat(each)), TICK_S)


def typed(name: str, build: Callable[[], bytes], content_type: str) -> Case:
    """Return a case of well-formed HTTP with a body of a type."""
    return once(name, lambda: whole(build(), f"Content-Type: {content_type}"))
