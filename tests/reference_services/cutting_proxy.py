"""Proxy between a client and a service that cuts connections on request."""

import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from threading import Thread
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)
_WAIT_S = 60.0


class Cut(Enum):
    """Where a connection is cut, in the order of what happens to one request."""

    BEFORE = "before the request reaches the service"
    IN_REQUEST = "in the middle of the request"
    DURING = "while the service is at it"
    BEHIND = "after the request was served, before its answer"
    IN_HEAD = "in the head of the answer"
    IN_BODY = "in the body of the answer"


class Proxy:
    """Forwards each request over a separate connection, unless `next_cut` returns a cut."""

    def __init__(self, listener: socket.socket, upstream: str) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.cuts = deque[Cut]()
        self.next_cut: Callable[[], Cut | None] = self._planned
        self._listener = listener
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._threads: list[Thread] = []
        self._clients: list[socket.socket] = []

    def run(self) -> None:
        """Accept connections until the listener is shut down."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.settimeout(_WAIT_S)
                self._clients.append(client)
                self._threads.append(Thread(target=self._pass_on, args=(client,)))
                self._threads[-1].start()

    def stop(self) -> None:
        """End every thread."""
        for each in (self._listener, *self._clients):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_WAIT_S)

    def _planned(self) -> Cut | None:
        return self.cuts.popleft() if self.cuts else None

    def _pass_on(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while True:
                request = read_message(client)
                cut = self.next_cut()
                if cut is Cut.BEFORE:
                    _reset(client)
                    return
                answer = self._ask(request, cut)
                if cut is None:
                    client.sendall(answer)
                elif cut in {Cut.IN_HEAD, Cut.IN_BODY}:
                    # A normal close: a reset could overtake the bytes sent before it.
                    client.sendall(answer[:20] if cut is Cut.IN_HEAD else answer[:-5])
                    return
                else:
                    _reset(client)
                    return

    def _ask(self, request: bytes, cut: Cut | None) -> bytes:
        with socket.create_connection(self._upstream, _WAIT_S) as service:
            if cut is Cut.IN_REQUEST:
                service.sendall(request[: -len(request) // 8])
                return b""
            service.sendall(request)
            return b"" if cut is Cut.DURING else read_message(service)


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """Run a proxy before the service at this URL within the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        proxy = Proxy(listener, upstream)
        accepting = Thread(target=proxy.run)
        accepting.start()
        try:
            yield proxy
        finally:
            proxy.stop()
            accepting.join(_WAIT_S)


def read_message(connection: socket.socket) -> bytes:
    """Read one request or response, up to its Content-Length."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += _some(connection)
    head, end, body = read.partition(b"\r\n\r\n")
    announced = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    while len(body) < int(announced[1] if announced else 0):
        body += _some(connection)
    return head + end + body


def _some(connection: socket.socket) -> bytes:
    some = connection.recv(65536)
    if not some:
        raise ConnectionError("connection closed in the middle of a message")
    return some


def _reset(connection: socket.socket) -> None:
    # The other side sees a reset, as after a crash of the machine.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
