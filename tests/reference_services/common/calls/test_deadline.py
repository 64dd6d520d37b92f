"""Tests of the deadline on every read and write of a connection."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import pytest

from reference_services.common.calls.deadline import deadline_at, deadline_transport

LIMITS = httpx.Limits(max_connections=2)
HANGS_S = 30.0


@contextmanager
def trickling_server() -> Iterator[str]:
    """Serve an endless header, one byte at a time, each well within any read timeout."""
    ended = Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Endless: ")
            while not ended.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=trickle, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join(HANGS_S)


def test_a_response_that_trickles_ends_at_the_deadline() -> None:
    """The read timeout alone would never pass: each byte arrives long before it."""
    with (
        trickling_server() as url,
        httpx.Client(transport=deadline_transport(LIMITS), timeout=HANGS_S) as client,
        pytest.raises(httpx.ReadTimeout),
        deadline_at(time.monotonic() + 0.3),
    ):
        client.get(url)


def test_no_connection_is_opened_after_the_deadline() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        httpx.Client(transport=deadline_transport(LIMITS)) as client,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(httpx.ConnectTimeout), deadline_at(time.monotonic() - 1):
            client.get(url)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_inner_deadline_does_not_outlive_its_block() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        httpx.Client(transport=deadline_transport(LIMITS), timeout=0.1) as client,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with deadline_at(time.monotonic() + HANGS_S):
            with pytest.raises(httpx.ConnectTimeout), deadline_at(time.monotonic() - 1):
                client.get(url)
            # Connected this time: the read timeout of the client passes, not the inner deadline.
            with pytest.raises(httpx.ReadTimeout):
                client.get(url)
