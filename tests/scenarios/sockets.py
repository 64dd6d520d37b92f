"""A server of raw bytes on loopback: what a connection gets is the test's to say."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_TICK_S = 0.05
_HANGS_S = 60


@dataclass
class Server:
    """A listening server: its address, and what was sent to it, one entry a request."""

    url: str
    received: list[bytes] = field(default_factory=list)
    connections: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def trickle(self, connection: socket.socket, content: bytes) -> None:
        """Send a byte every 50 ms until the server stops or the client is gone."""
        for each in content:
            if self.stopping.wait(_TICK_S):
                return
            connection.sendall(bytes([each]))

    def receive(self, connection: socket.socket) -> bytes:
        """Take one request; b"" where the client has closed."""
        request = b""
        while b"\r\n\r\n" not in request:
            chunk = connection.recv(65_536)
            if not chunk:
                return b""
            request += chunk
        head, _, body = request.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65_536)
        self.received.append(head + b"\r\n\r\n" + body)
        return self.received[-1]


Behave = Callable[[Server, socket.socket], None]


@contextmanager
def serving(behave: Behave, host: str = "127.0.0.1") -> Iterator[Server]:
    """Serve on a free port, one connection after the other; `behave` handles each of them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        shown = f"[{host}]" if ":" in host else host
        server = Server(f"http://{shown}:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_serve, args=(server, listener, behave))
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            with socket.create_connection(listener.getsockname()[:2]):
                thread.join()


def answering(*answers: bytes) -> Behave:
    """Answer each request in its turn, the last answer for good, and keep connections open."""

    def behave(server: Server, connection: socket.socket) -> None:
        while server.receive(connection):
            connection.sendall(answers[min(len(server.received), len(answers)) - 1])

    return behave


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer with its length."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def free_url() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _serve(server: Server, listener: socket.socket, behave: Behave) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            if server.stopping.is_set():
                return
            server.connections += 1
            connection.settimeout(_HANGS_S)
            try:
                behave(server, connection)
            except OSError:
                continue
