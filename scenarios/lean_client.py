"""How does a load's request go out, and what came back? HTTP/1.1 over one connection an origin.

What a load needs and no more, since each microsecond is a request that is not sent: keep-alive,
content-length and chunked answers, gzip and deflate, TLS. No retry, redirect, proxy or cookie.
llhttp reads the answers. Waiting is left to a `Wait`, so that many connections share a thread.
"""

import _socket
import errno
import os
import re
import select
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import httptools

from config.network import Network
from scenarios.sending import (
    KEEPALIVE_S,
    MAX_BODY_BYTES,
    Answer,
    Envelope,
    NotSent,
    Origin,
    Request,
    Unanswered,
    header_value,
)
from scenarios.wire import tls_of

MAX_HEAD_BYTES = 65_536

_READ_BYTES = 32_768
_PLAIN_TARGET = re.compile(r"[!#-;=?-Z_a-z~]*")  # what a request line carries as it is
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LINE_BREAK = re.compile(r"[\r\n\0]")
_INFORMATIONAL = range(100, 200)
_SWITCHING = 101
_WAIT_MORE = (errno.EAGAIN, errno.EINPROGRESS, errno.EALREADY)


class Wait(Protocol):
    """Waits for one socket, until a deadline on the monotonic clock at most."""

    def readable(self, deadline: float) -> bool:
        """Wait until there is something to read; False at the deadline."""
        ...

    def writable(self, deadline: float) -> bool:
        """Wait until something can be written; False at the deadline."""
        ...

    def close(self) -> None:
        """Wait no more."""
        ...


Waiting = Callable[[int], Wait]  # makes the wait of a socket, by its descriptor


class PollingWait:
    """Waits by stopping the thread."""

    def __init__(self, descriptor: int) -> None:
        """Watch a descriptor."""
        self._descriptor = descriptor

    def readable(self, deadline: float) -> bool:
        """Wait until there is something to read; False at the deadline."""
        return self._wait(select.POLLIN, deadline)

    def writable(self, deadline: float) -> bool:
        """Wait until something can be written; False at the deadline."""
        return self._wait(select.POLLOUT, deadline)

    def close(self) -> None:
        """Wait no more."""

    def _wait(self, events: int, deadline: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, events)
        left_s = deadline - time.monotonic()
        return left_s > 0 and bool(poll.poll(left_s * 1000))


class _Broken(Exception):
    """The connection cannot go on; the text says why."""


class _Late(_Broken):
    """The deadline has passed."""


class LeanSender:
    """One virtual user's connections, one an origin. Use it from one thread or greenlet."""

    def __init__(self, network: Network, waiting: Waiting = PollingWait) -> None:
        """Open no connection yet."""
        self._network = network
        self._waiting = waiting
        self._connections: dict[Origin, _Connection] = {}

    def send(self, request: Request) -> Answer:
        """Send one request once, bounded in time and size. Raises NotSent or Unanswered."""
        envelope = request.envelope
        deadline = time.monotonic() + envelope.timeout_s
        data = _message(request)
        connection = self._connections.pop(envelope.origin, None)
        if connection is None or not connection.is_fresh():
            connection = self._connect(envelope.origin, deadline)
        try:
            answer = connection.exchange(data, envelope, deadline)
        except BaseException:
            connection.close()
            raise
        if connection.may_go_on():
            self._connections[envelope.origin] = connection
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections."""
        for each in self._connections.values():
            each.close()
        self._connections.clear()

    def _connect(self, origin: Origin, deadline: float) -> "_Connection":
        host, port = self._network.route(origin.host, origin.port)
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(f"could not connect: {_words(error)}") from error
        tls = tls_of(self._network.ca_file) if origin.is_tls else None
        trouble = "no address"
        for family, kind, protocol, _, address in addresses:
            connection = _Connection(_socket.socket(family, kind, protocol), self._waiting)
            try:
                connection.open(address, deadline)
                if tls:
                    connection.encrypt(tls, origin.host, deadline)
            except (OSError, _Broken) as error:
                connection.close()
                trouble = _words(error)
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise NotSent(f"could not connect: {trouble}")


class _Connection:
    """One connection, and the answer that is being read from it."""

    def __init__(self, raw: _socket.socket, waiting: Waiting) -> None:
        raw.setblocking(False)
        self._raw = raw
        self._recv: Callable[[int], bytes] = raw.recv
        self._wait = waiting(raw.fileno())
        self._readable = self._wait.readable
        self._tls: _Tls | None = None
        self._used_s = 0.0
        self._reads_well = True
        self._is_over = self._reads_body = False
        self._parser = httptools.HttpResponseParser(self)
        self._begin(reads_body=True)

    def open(self, address: tuple[Any, ...], deadline: float) -> None:
        """Connect. Raises OSError or _Late."""
        code = self._raw.connect_ex(address)
        if code in _WAIT_MORE:
            if not self._wait.writable(deadline):
                raise _Late("no connection in time")
            code = self._raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, _socket_words(code))
        if self._raw.family in (socket.AF_INET, socket.AF_INET6):
            self._raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def encrypt(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        """Shake hands. Raises OSError (a certificate that does not fit, too) or _Broken."""
        self._tls = _Tls(context, host)
        while not self._tls.shake_hands():
            self._write(self._tls.outgoing(), deadline)
            self._tls.incoming(self._read_raw(deadline))
        self._write(self._tls.outgoing(), deadline)
        self._recv = self._recv_decrypted

    def is_fresh(self) -> bool:
        """Tell whether the server has neither closed it meanwhile nor said what nobody asked."""
        if time.monotonic() - self._used_s < KEEPALIVE_S:
            try:
                self._raw.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                return True
            except OSError:
                pass
        self.close()
        return False

    def may_go_on(self) -> bool:
        """Tell whether another request may use it."""
        return self._reads_well and self._is_over and self._keeps_alive

    def close(self) -> None:
        """Close it."""
        self._wait.close()
        self._raw.close()

    def exchange(self, data: bytes, envelope: Envelope, deadline: float) -> Answer:
        """Send a request and read its answer. Raises Unanswered, and NotSent if nothing left."""
        self._begin(reads_body=envelope.method != "HEAD")
        try:
            self._write(self._tls.encrypted(data) if self._tls else data, deadline)
            self._read_answer(deadline)
        except _Broken as error:
            self._reads_well = False
            if self._has_head:
                return self._answer(_body_words(error))
            if isinstance(error, _Late):
                raise Unanswered(f"no answer within {envelope.timeout_s:g} s") from error
            raise Unanswered(f"the connection broke: {error}") from error
        self._used_s = time.monotonic()
        return self._answer("")

    # llhttp calls these as it reads.

    def on_message_begin(self) -> None:
        """Note that an answer begins; after the end of ours it is one that nobody asked for."""
        if self._is_over:
            self._reads_well = False

    def on_headers_complete(self) -> None:
        """Note the status; an informational one is followed by the answer itself."""
        status = self._parser.get_status_code()
        if self._is_over or (status in _INFORMATIONAL and status != _SWITCHING):
            return
        self.status = status
        self._has_head = True
        if not self._reads_body:
            self._is_over = self._reads_well = True
            self._keeps_alive = False  # llhttp now waits for a body that will not come

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_over:
            self._pieces.append(piece)
            self._body_bytes += len(piece)

    def on_message_complete(self) -> None:
        """Note that the answer is whole."""
        if self._has_head and not self._is_over:
            self._is_over = True
            self._keeps_alive = self._parser.should_keep_alive()

    def _begin(self, reads_body: bool) -> None:
        self.status = 0
        self._reads_body = reads_body
        self._has_head = self._is_over = self._keeps_alive = False
        self._pieces: list[bytes] = []
        self._body_bytes = 0
        self._head = b""

    def _write(self, data: bytes, deadline: float) -> None:
        sent = 0
        while sent < len(data):
            try:
                sent += self._raw.send(data[sent:] if sent else data)
            except BlockingIOError:
                if not self._wait.writable(deadline):
                    raise _Late("nothing more could be sent in time") from None
            except OSError as error:
                raise _Broken(_words(error)) from error

    def _read_answer(self, deadline: float) -> None:
        feed, readable = self._parser.feed_data, self._readable
        while not self._is_over:
            if not readable(deadline):
                raise _Late("the body did not end in time")
            try:
                data = self._recv(_READ_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise _Broken(_words(error)) from error
            if not self._has_head:
                self._head = self._head + data if self._head else data
            if not data:
                self._end_by_close()
                return
            try:
                feed(data)
            except httptools.HttpParserUpgrade:
                self._is_over, self._keeps_alive = True, False
            except httptools.HttpParserError as error:
                if self._is_over:  # what follows our answer is not HTTP
                    self._reads_well = False
                    return
                raise _Broken(f"not HTTP: {error}") from error
            if self._body_bytes > MAX_BODY_BYTES:
                raise _Broken(f"the body is over {MAX_BODY_BYTES:,} bytes")
            if not self._has_head and len(self._head) > MAX_HEAD_BYTES:
                raise _Broken(f"the head is over {MAX_HEAD_BYTES:,} bytes")

    def _read_raw(self, deadline: float) -> bytes:
        """Read bytes of a handshake. Raises _Broken at its end, too."""
        if not self._wait.readable(deadline):
            raise _Late("no connection in time")
        data = self._raw.recv(_READ_BYTES)
        if not data:
            raise _Broken("the connection was closed while it was encrypted")
        return data

    def _recv_decrypted(self, most_bytes: int) -> bytes:
        data = self._raw.recv(most_bytes)
        if not data or self._tls is None:
            return b""
        return self._tls.decrypted(data)

    def _end_by_close(self) -> None:
        """The server has closed: the end of a body whose length nobody told, else a break."""
        if not self._has_head:
            raise _Broken("it was closed within the answer" if self._head else
                          "it was closed before an answer")  # fmt: skip
        head = _last_head(self._head)
        if header_value(head, b"content-length") or header_value(head, b"transfer-encoding"):
            raise _Broken("it was closed too early")
        self._is_over, self._keeps_alive = True, False

    def _answer(self, broken: str) -> Answer:
        head = _last_head(self._head)
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if b"\r\ncontent-encoding:" in head and body:
            body, broken = _decoded(body, header_value(head, b"content-encoding"), broken)
        return Answer(self.status, body[:MAX_BODY_BYTES], broken, head)


class _Tls:
    """One side of an encrypted connection; bytes go in and come out, no socket is touched."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=host)

    def shake_hands(self) -> bool:
        """Go on with the handshake; tell whether it is over. Raises ssl.SSLError (an OSError)."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def incoming(self, data: bytes) -> None:
        """Take what came over the network."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """Return what has to go over the network."""
        return self._out.read()

    def encrypted(self, data: bytes) -> bytes:
        """Return what has to go over the network so that this arrives."""
        self._object.write(data)
        return self._out.read()

    def decrypted(self, data: bytes) -> bytes:
        """Return what arrived; b"" at the end. Raises BlockingIOError while nothing is whole."""
        self._in.write(data)
        pieces = []
        try:
            while piece := self._object.read(_READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            if not pieces:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(pieces)


def _message(request: Request) -> bytes:
    """Write a request out. Raises NotSent for what HTTP cannot carry."""
    envelope, target, trace, body, headers = request
    more = f"\r\nContent-Length: {len(body)}\r\n\r\n" if body is not None else "\r\n\r\n"
    if headers:
        more = _lines(headers) + more
    try:
        if not _PLAIN_TARGET.fullmatch(target):
            target = quote(target, safe=_SAFE)
        head = f"{envelope.opening}{target}{envelope.closing}{trace}{more}".encode("ascii")
    except UnicodeEncodeError as error:
        raise NotSent(f"could not be sent: {_words(error)}") from error
    return head + body if body else head


def _lines(headers: tuple[tuple[str, str], ...]) -> str:
    for name, value in headers:
        if _LINE_BREAK.search(value):
            raise NotSent(f"could not be sent: the header {name!r} has more than one line")
    return "".join(f"\r\n{name}: {value}" for name, value in headers)


def _last_head(data: bytes) -> bytes:
    """Return the head of the answer in small letters, without informational ones before it."""
    while True:
        head, _, rest = data.partition(b"\r\n\r\n")
        if not rest or head[9:10] != b"1" or head[9:12] == b"101":
            return head.lower() + b"\r\n"
        data = rest


def _decoded(body: bytes, coding: bytes, broken: str) -> tuple[bytes, str]:
    """Unpack a body, bounded in size; return it and why it is not whole."""
    if coding in (b"", b"identity"):
        return body, broken
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return body, broken or f"its content-encoding {coding.decode('latin-1')} is unknown"
    bits = zlib.MAX_WBITS | 16 if coding != b"deflate" else zlib.MAX_WBITS
    if coding == b"deflate" and body[:1] and body[0] & 0x0F != zlib.DEFLATED:
        bits = -zlib.MAX_WBITS  # as some servers understand it
    unpacking = zlib.decompressobj(bits)
    try:
        unpacked = unpacking.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        return b"", broken or f"the body broke off: {error}"
    if len(unpacked) > MAX_BODY_BYTES:
        return unpacked, broken or f"the body is over {MAX_BODY_BYTES:,} bytes"
    if not unpacking.eof:
        return unpacked, broken or "the body broke off: its packing has no end"
    return unpacked, broken


def _body_words(error: _Broken) -> str:
    if isinstance(error, _Late):
        return "the body did not end in time"
    text = str(error)
    return text if text.startswith("the body") else f"the body broke off: {text}"


def _socket_words(code: int) -> str:
    return os.strerror(code)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
