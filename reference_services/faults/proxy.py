"""HTTP proxy that resets connections or switches to another upstream after N requests.

    python -m reference_services.faults.proxy --fd 3 --upstream 127.0.0.1:8003 --cut-every 40

It forwards each request over a separate connection, and requests and responses byte for byte: it
is transparent except for its faults.
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
# SO_LINGER on with 0 s: close() sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)

Address = tuple[str, int]


@dataclass(frozen=True)
class ProxyFaults:
    """Faults, counted in API requests; 0 means never.

    Every `cut_every`-th request is handled and its client's connection then reset. After
    `switch_after` API requests, all requests go to `switch_to`; `on_left` is called once the first
    upstream has no request in progress:

        first upstream    1 .. switch_after ── last response ─┤ on_left()
        switch_to                      switch_after + 1 ──────────────── ...
    """

    cut_every: int = 0
    switch_after: int = 0
    switch_to: Address | None = None
    on_left: Callable[[], None] = lambda: None


class FaultProxy:
    """One proxy: its current upstream, and the number of requests it has forwarded."""

    def __init__(self, upstream: Address, faults: ProxyFaults) -> None:
        """Forward to `upstream` until the faults switch to another address."""
        self._first = self._upstream = upstream
        self._faults = faults
        self._counter = count(1)
        self._in_progress = 0

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Forward every request of one connection until either side closes it."""
        _disable_nagle(writer)
        try:
            with suppress(OSError, h11.ProtocolError):
                await self._serve_requests(reader, writer)
        finally:
            # A normal close: where a reset is due, `_reset` has aborted the connection already.
            writer.close()

    async def _serve_requests(self, reader: StreamReader, writer: StreamWriter) -> None:
        rest = b""
        while received := rest or await reader.read(_READ_BYTES):
            request = _Message(h11.Connection(h11.SERVER, _HEAD_BYTES))
            first = request.take(received)
            while request.head is None:
                first += request.take(await reader.read(_READ_BYTES))
            stays_open = await self._forward(request, first, reader, writer)
            if not stays_open:
                return
            rest = request.rest

    async def _forward(
        self, request: "_Message", first: bytes, reader: StreamReader, writer: StreamWriter
    ) -> bool:
        """Forward one request and its response; return whether the connection stays open."""
        with self._route(request) as (upstream, is_cut):
            try:
                async with _connected(upstream) as (responses, service):
                    sending = asyncio.create_task(_forward_request(request, first, reader, service))
                    try:
                        response = await _forward_response(
                            request, responses, None if is_cut else writer
                        )
                    finally:
                        sending.cancel()
            except (OSError, h11.ProtocolError):
                _reset(writer)
                raise
            if is_cut:
                _reset(writer)
                return False
            return request.keeps_alive and response.keeps_alive

    @contextmanager
    def _route(self, request: "_Message") -> Iterator[tuple[Address, bool]]:
        """Yield the upstream of a request and whether to cut it; call `on_left` when it is due."""
        number = next(self._counter) if request.is_api_request else 0
        upstream, is_first = self._upstream, self._upstream is self._first
        if number and number == self._faults.switch_after and self._faults.switch_to:
            self._upstream = self._faults.switch_to
        cut_every = self._faults.cut_every
        self._in_progress += is_first
        try:
            yield upstream, bool(number and cut_every and number % cut_every == 0)
        finally:
            self._in_progress -= is_first
            if is_first and not self._in_progress and self._upstream is not self._first:
                self._faults.on_left()


class _Message:
    """A request or response in transit, parsed to find where it ends."""

    def __init__(self, connection: h11.Connection) -> None:
        self._connection = connection
        self.head: h11.Request | h11.Response | None = None
        self.is_complete = False
        self.rest = b""

    def take(self, received: bytes) -> bytes:
        """Parse received bytes, b"" at the end of the stream; return those of this message."""
        self._connection.receive_data(received)
        while not self.is_complete:
            event = self._connection.next_event()
            if event is h11.NEED_DATA:
                return received
            if isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("connection closed in the middle of a message")
            if isinstance(event, h11.Request | h11.Response):
                self.head = event
            self.is_complete = isinstance(event, h11.EndOfMessage)
        self.rest = self._connection.trailing_data[0]
        return received[: len(received) - len(self.rest)]

    @property
    def keeps_alive(self) -> bool:
        """Return whether another message may follow on the same connection."""
        return self._connection.their_state is h11.DONE

    @property
    def is_api_request(self) -> bool:
        return isinstance(self.head, h11.Request) and self.head.target.startswith(b"/api/")

    def response(self) -> "_Message":
        """Return a message for the response to this request, with nothing received yet."""
        connection = h11.Connection(h11.CLIENT, _HEAD_BYTES)
        # h11 needs the method to know where the response ends; these bytes are not sent.
        method = self.head.method if isinstance(self.head, h11.Request) else b"GET"
        connection.send(h11.Request(method=method, target=b"/", headers=[(b"host", b"-")]))
        connection.send(h11.EndOfMessage())
        return _Message(connection)


async def _forward_request(
    request: _Message, first: bytes, reader: StreamReader, service: StreamWriter
) -> None:
    """Send the bytes of a request to the upstream as they arrive."""
    try:
        service.write(first)
        while not request.is_complete:
            service.write(request.take(await reader.read(_READ_BYTES)))
            await service.drain()
    except (OSError, h11.ProtocolError):
        # Ends the wait for a response to an incomplete request.
        service.transport.abort()


async def _forward_response(
    request: _Message, responses: StreamReader, writer: StreamWriter | None
) -> _Message:
    """Read the whole response; forward it to the client, if there is one, as it arrives."""
    response = request.response()
    while not response.is_complete:
        some = response.take(await responses.read(_READ_BYTES))
        if writer:
            writer.write(some)
            await writer.drain()
    return response


@asynccontextmanager
async def _connected(address: Address) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    responses, service = await asyncio.open_connection(*address)
    _disable_nagle(service)
    try:
        yield responses, service
    finally:
        service.close()


def _disable_nagle(writer: StreamWriter) -> None:
    # asyncio sets this itself only on sockets created with an explicit protocol number.
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(writer: StreamWriter) -> None:
    # The client sees a reset, as after a crash of the machine.
    connection: socket.socket = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()


async def run_proxy(listener: socket.socket, upstream: Address, faults: ProxyFaults) -> None:
    """Serve a listening socket until cancelled."""
    proxy = FaultProxy(upstream, faults)
    server = await asyncio.start_server(proxy.serve, sock=listener, backlog=_BACKLOG)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Run the proxy until a signal ends it."""
    options = _parser().parse_args()
    faults = ProxyFaults(
        options.cut_every,
        options.switch_after,
        options.switch_to,
        lambda: _terminate(options.then_end),
    )
    asyncio.run(run_proxy(socket.socket(fileno=options.fd), options.upstream, faults))


def _terminate(pid: int | None) -> None:
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_services.faults.proxy")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of a listening socket")
    parser.add_argument("--upstream", type=_address, required=True, help="HOST:PORT")
    parser.add_argument("--cut-every", type=int, default=0, help="API requests; 0 is never")
    parser.add_argument("--switch-after", type=int, default=0, help="API requests; 0 is never")
    parser.add_argument("--switch-to", type=_address, help="HOST:PORT")
    parser.add_argument("--then-end", type=int, help="PID to end once its last request is done")
    return parser


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    main()
