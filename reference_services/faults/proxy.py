"""How does a line between a service and its clients break? A proxy that can cut and switch.

    python -m reference_services.faults.proxy --fd 3 --upstream 127.0.0.1:8003 --cut-every 40

Each request is passed on over a connection of its own, byte by byte as it came, and its answer
back likewise: what stands between is seen in nothing but what it is told to break.
"""

import argparse
import asyncio
import os
import signal
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count

import h11

_READ_BYTES = 64 * 1024
_HEAD_BYTES = 64 * 1024
_BACKLOG = 1024
_LINGER_NOT = struct.pack("ii", 1, 0)

Address = tuple[str, int]


@dataclass(frozen=True)
class Breakage:
    """What is broken, counted in API requests; 0 is never.

    Of every `cut_every` the last is done, and its client's connection then reset. Those after
    the first `switch_after`, and all other requests from then on, go to the address `switch_to`;
    `on_left` is called when nothing is under way to the first address any more.
    """

    cut_every: int = 0
    switch_after: int = 0
    switch_to: Address | None = None
    on_left: Callable[[], None] = lambda: None


class Proxy:
    """One proxy: where it passes requests on to, and how many it has passed on."""

    def __init__(self, upstream: Address, breakage: Breakage) -> None:
        """Stand before an address, and break what is to be broken."""
        self._first = self._upstream = upstream
        self._breakage = breakage
        self._turns = count(1)
        self._under_way = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on every request of one connection, until either side ends it."""
        _send_at_once(writer)
        try:
            with suppress(OSError, h11.ProtocolError):
                await self._serve_each(reader, writer)
        finally:
            # Without a farewell only where one is owed: a whole answer has already been sent.
            writer.close()

    async def _serve_each(self, reader: StreamReader, writer: StreamWriter) -> None:
        rest = b""
        while received := rest or await reader.read(_READ_BYTES):
            request = _Message(h11.Connection(h11.SERVER, _HEAD_BYTES))
            first = request.take(received)
            while request.head is None:
                first += request.take(await reader.read(_READ_BYTES))
            stays = await self._pass_on(request, first, reader, writer)
            if not stays:
                return
            rest = request.rest

    async def _pass_on(
        self, request: "_Message", first: bytes, reader: StreamReader, writer: StreamWriter
    ) -> bool:
        """Pass one request on and its answer back; tell whether the connection goes on."""
        with self._turn(request) as (upstream, is_cut):
            try:
                async with _connected(upstream) as (answers, service):
                    sending = asyncio.create_task(_send_on(request, first, reader, service))
                    try:
                        answer = await _answer_back(request, answers, None if is_cut else writer)
                    finally:
                        sending.cancel()
            except (OSError, h11.ProtocolError):
                _reset(writer)
                raise
            if is_cut:
                _reset(writer)
                return False
            return request.is_last_but_kept and answer.is_last_but_kept

    @contextmanager
    def _turn(self, request: "_Message") -> Iterator[tuple[Address, bool]]:
        """Say where a request goes and whether it is cut; note when the first address is left."""
        turn = next(self._turns) if request.is_of_api else 0
        upstream, is_first = self._upstream, self._upstream is self._first
        if turn and turn == self._breakage.switch_after and self._breakage.switch_to:
            self._upstream = self._breakage.switch_to
        cut_every = self._breakage.cut_every
        self._under_way += is_first
        try:
            yield upstream, bool(turn and cut_every and turn % cut_every == 0)
        finally:
            self._under_way -= is_first
            if is_first and not self._under_way and self._upstream is not self._first:
                self._breakage.on_left()


class _Message:
    """A request or an answer on its way: where it ends, and what is known of it."""

    def __init__(self, connection: h11.Connection) -> None:
        self._connection = connection
        self.head: h11.Request | h11.Response | None = None
        self.is_whole = False
        self.rest = b""

    def take(self, received: bytes) -> bytes:
        """Read what was received, none being the end; return what of it is of this message."""
        self._connection.receive_data(received)
        while not self.is_whole:
            event = self._connection.next_event()
            if event is h11.NEED_DATA:
                return received
            if isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the other side left")
            if isinstance(event, h11.Request | h11.Response):
                self.head = event
            self.is_whole = isinstance(event, h11.EndOfMessage)
        self.rest = self._connection.trailing_data[0]
        return received[: len(received) - len(self.rest)]

    @property
    def is_last_but_kept(self) -> bool:
        """Tell whether another message may follow on the same connection."""
        return self._connection.their_state is h11.DONE

    @property
    def is_of_api(self) -> bool:
        return isinstance(self.head, h11.Request) and self.head.target.startswith(b"/api/")

    def answer(self) -> "_Message":
        """Return the answer to this request, of which nothing has come yet."""
        connection = h11.Connection(h11.CLIENT, _HEAD_BYTES)
        # Where an answer ends depends on the method alone; these bytes are not sent.
        method = self.head.method if isinstance(self.head, h11.Request) else b"GET"
        connection.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"-")]))
        connection.send(h11.EndOfMessage())
        return _Message(connection)


async def _send_on(
    request: _Message, first: bytes, reader: StreamReader, service: StreamWriter
) -> None:
    """Send a request's bytes to the service as they come."""
    try:
        service.write(first)
        while not request.is_whole:
            service.write(request.take(await reader.read(_READ_BYTES)))
            await service.drain()
    except (OSError, h11.ProtocolError):
        # Ends the wait for an answer to half a request.
        service.transport.abort()


async def _answer_back(
    request: _Message, answers: StreamReader, writer: StreamWriter | None
) -> _Message:
    """Read the whole answer; send it back, where there is somebody to send it to, as it comes."""
    answer = request.answer()
    while not answer.is_whole:
        some = answer.take(await answers.read(_READ_BYTES))
        if writer:
            writer.write(some)
            await writer.drain()
    return answer


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    answers, service = await asyncio.open_connection(*address)
    _send_at_once(service)
    try:
        yield answers, service
    finally:
        service.close()


def _send_at_once(writer: StreamWriter) -> None:
    # asyncio asks for this by itself only where a socket knows its protocol by number.
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: StreamWriter) -> None:
    # No farewell: the client sees a reset, as when a machine goes down.
    connection: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()


async def run_proxy(listener: socket.socket, upstream: Address, breakage: Breakage) -> None:
    """Pass on what comes to a listening socket, until cancelled."""
    proxy = Proxy(upstream, breakage)
    server = await asyncio.start_server(proxy.serve, sock=listener, backlog=_BACKLOG)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Stand before one service until a signal ends it."""
    asked = _parser().parse_args()
    breakage = Breakage(
        asked.cut_every,
        asked.switch_after,
        asked.switch_to,
        lambda: _end(asked.then_end),
    )
    asyncio.run(run_proxy(socket.socket(fileno=asked.fd), asked.upstream, breakage))


def _end(pid: int | None) -> None:
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_services.faults.proxy")
    parser.add_argument("--fd", type=int, required=True, help="the socket that listens")
    parser.add_argument("--upstream", type=_address, required=True, help="HOST:PORT")
    parser.add_argument("--cut-every", type=int, default=0)
    parser.add_argument("--switch-after", type=int, default=0)
    parser.add_argument("--switch-to", type=_address, help="HOST:PORT")
    parser.add_argument("--then-end", type=int, help="a process, once nothing is under way to it")
    return parser


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main()
