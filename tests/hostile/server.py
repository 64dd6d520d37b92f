"""A server of the hostile cases: the first segment of a request's path selects the case.

Any other path has a response that is well.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.hostile.case import Case
from tests.hostile.cases import BY_SLUG, WELL, slug

_HANGS_S = 60.0


@dataclass
class HostileServer:
    """Where it listens."""

    port: int
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """The base address of responses that are well."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, case: Case) -> str:
        """Return the base address at which a case responds to every request."""
        return f"{self.address}/{slug(case)}"


@contextmanager
def serving() -> Iterator[HostileServer]:
    """Serve all cases on a free port, one thread per connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = HostileServer(listener.getsockname()[1])
        thread = threading.Thread(target=_accept, args=(server, listener))
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port)):
                thread.join()


def _accept(server: HostileServer, listener: socket.socket) -> None:
    while not server.stopping.is_set():
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(server, connection), daemon=True).start()


def _serve(server: HostileServer, connection: socket.socket) -> None:
    with connection, suppress(OSError):
        connection.settimeout(_HANGS_S)
        while case := _case_asked_for(connection):
            for piece in case.pieces():
                if server.stopping.wait(case.tick_s) if case.tick_s else server.stopping.is_set():
                    return
                connection.sendall(piece)
            if not case.stays_open:
                break
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):  # a reset would take away what is still unread
            pass


def _case_asked_for(connection: socket.socket) -> Case | None:
    """Receive the head of a request; None where the client leaves."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return None
        head += piece
    segment = head.split(b" ", 2)[1].split(b"/")[1].decode().partition("?")[0]
    return BY_SLUG.get(segment, WELL)
