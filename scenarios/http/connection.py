"""One HTTP/1.1 connection: a request is sent, and llhttp parses the response.

The `Readiness` of the socket does the waiting, so that many connections can share a thread.

    _send ──→ socket ──→ server
    _read ←── socket: llhttp calls on_headers_complete, on_body, on_message_complete

Afterwards the connection is reusable, unless anything was left unread or unsent, or either side
closes it.
"""

import _socket
import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import httptools

from scenarios.http.content_encoding import content_codings, decode
from scenarios.http.messages import (
    KEEPALIVE_S,
    MAX_BODY_BYTES,
    NotSent,
    RequestTemplate,
    Response,
    ResponseLost,
    header_value,
)
from scenarios.http.readiness import ReadinessFactory
from scenarios.http.response_head import final_head, plain_response
from scenarios.http.tls import REFUSED_CERTIFICATE, Tls

MAX_HEAD_BYTES = 65_536
# of a whole response: beside the body there are its head, the framing of its chunks and trailers
MAX_RECEIVED_BYTES = 2 * MAX_BODY_BYTES

_READ_BYTES = 32_768
_INFORMATIONAL = range(100, 200)
_SWITCHING_PROTOCOLS = 101
_NO_CONTENT = 204
_IN_PROGRESS = (errno.EAGAIN, errno.EINPROGRESS, errno.EALREADY)


class ConnectionBroken(Exception):
    """The connection cannot be used any further; the text is the reason."""


class HandshakeRefused(ConnectionBroken):
    """The server refused the certificate of this client, or the lack of one."""


class BodyTooLarge(ConnectionBroken):
    """The response exceeds MAX_BODY_BYTES or MAX_RECEIVED_BYTES."""


class DeadlinePassed(ConnectionBroken):
    """The deadline has passed."""


class Connection:
    """One connection, and the response that is being read from it."""

    def __init__(self, raw: _socket.socket, readiness: ReadinessFactory) -> None:
        raw.setblocking(False)
        self._raw = raw
        self._recv: Callable[[int], bytes] = raw.recv
        self._readiness = readiness(raw.fileno())
        self._readable = self._readiness.readable
        self._tls: Tls | None = None
        self._used_s = 0.0
        self._in_sync = True
        self._is_complete = self._reads_body = False
        self._parser = self._new_parser()
        self._begin(reads_body=True)

    def open(self, address: tuple[Any, ...], deadline: float) -> None:
        """Connect. Raises OSError or DeadlinePassed."""
        code = self._raw.connect_ex(address)
        if code in _IN_PROGRESS:
            if not self._readiness.writable(deadline):
                raise DeadlinePassed("no connection in time")
            code = self._raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        if self._raw.family in (socket.AF_INET, socket.AF_INET6):
            self._raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def encrypt(self, context: ssl.SSLContext, host: str, deadline: float) -> None:
        """Do the TLS handshake. Raises OSError, also for a certificate, or ConnectionBroken."""
        self._tls = Tls(context, host)
        while not self._tls.shake_hands():
            self._write(self._tls.outgoing(), deadline)
            if not self._readiness.readable(deadline):
                raise DeadlinePassed("no connection in time")
            data = self._raw.recv(_READ_BYTES)
            if not data:
                raise ConnectionBroken("it was closed during the TLS handshake")
            self._tls.incoming(data)
        # the client's last message of the handshake, which the server still needs
        self._write(self._tls.outgoing(), deadline)
        self._recv = self._recv_decrypted

    def is_fresh(self, now_s: float) -> bool:
        """Return whether an idle connection can still be used; close it if not.

        It cannot if the server has closed it, has sent anything, or may be about to close it.
        """
        if now_s - self._used_s < KEEPALIVE_S and self._readiness.is_quiet():
            return True
        self.close()
        return False

    def is_reusable(self) -> bool:
        """Return whether the next request may use this connection."""
        return self._in_sync and self._is_complete and self._keeps_alive

    def close(self) -> None:
        """Close the connection."""
        self._readiness.close()
        self._raw.close()

    def exchange(self, data: bytes, template: RequestTemplate, deadline: float) -> Response:
        """Send a request and read its response. Raises ResponseLost.

        With TLS 1.3, a server judges a client's certificate when the client has begun to send; if
        it refuses it, nothing has read the request, and NotSent is raised.
        """
        self._begin(reads_body=template.method != "HEAD")
        try:
            self._send(self._tls.encrypted(data) if self._tls else data, deadline)
            while not self._is_complete:
                if not self._readable(deadline):
                    raise DeadlinePassed("the body did not end in time")
                self._read()
        except ConnectionBroken as error:
            self._in_sync = False
            if self._has_head:
                return self._response(_body_error(error))
            if isinstance(error, HandshakeRefused):
                raise NotSent(f"could not connect: {error}") from error
            if isinstance(error, DeadlinePassed):
                raise ResponseLost(f"no response within {template.timeout_s:g} s") from error
            raise ResponseLost(f"the connection broke: {self._send_error or error}") from error
        self._used_s = time.monotonic()
        return self._response("")

    # llhttp calls the following methods while it parses

    def on_message_begin(self) -> None:
        """Note the start of a response; after the end of ours, no request belongs to it."""
        if self._is_complete:
            self._in_sync = False

    def on_headers_complete(self) -> None:
        """Note the status; an informational one is followed by the final response."""
        status = self._parser.get_status_code()
        if self._is_complete or (status in _INFORMATIONAL and status != _SWITCHING_PROTOCOLS):
            return
        self.status = status
        self._has_head = True
        if not self._reads_body:
            self._is_complete = self._in_sync = True
            self._keeps_alive = False  # llhttp now waits for a body that will not come

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_complete:
            self._pieces.append(piece)
            self._body_bytes += len(piece)

    def on_message_complete(self) -> None:
        """Note the end of the response."""
        if self._has_head and not self._is_complete:
            self._is_complete = True
            self._keeps_alive = self._parser.should_keep_alive()
            if self.status == _NO_CONTENT:
                head = final_head(self._head)
                length = header_value(head, b"content-length").strip(b"0")
                if length or header_value(head, b"transfer-encoding"):
                    self._keeps_alive = False  # the body may follow, and be taken for a response

    def _begin(self, reads_body: bool) -> None:
        self.status = 0
        self._reads_body = reads_body
        self._has_head = self._is_complete = self._keeps_alive = False
        self._pieces: list[bytes] = []
        self._body_bytes = self._received_bytes = 0
        self._head = b""
        self._send_error = ""  # why the request could not be sent whole
        self._refusal = ""  # why llhttp refused the head, until it is rewritten

    def _new_parser(self) -> httptools.HttpResponseParser:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(lenient_spaces_after_chunk_size=True)
        return parser

    def _send(self, data: bytes, deadline: float) -> None:
        """Send a request, and read meanwhile: a server may respond before it has the whole body.

        client ──→ head, half of the body ╳ the rest is not sent
        server ←── 413, close             └ the connection is not reused
        """
        unsent: bytes | memoryview = data
        while unsent and not self._is_complete:
            try:
                sent = self._raw.send(unsent)
                unsent = memoryview(unsent)[sent:] if sent < len(unsent) else b""
            except BlockingIOError:
                if not self._readiness.ready(deadline):
                    raise DeadlinePassed("nothing more could be sent in time") from None
                self._read()
            except OSError as error:  # the server has closed, perhaps after a response
                self._send_error = error_text(error)
                break
        if unsent:
            self._in_sync = False

    def _write(self, data: bytes, deadline: float) -> None:
        sent = 0
        while sent < len(data):
            try:
                sent += self._raw.send(data[sent:] if sent else data)
            except BlockingIOError:
                if not self._readiness.writable(deadline):
                    raise DeadlinePassed("nothing more could be sent in time") from None
            except OSError as error:
                raise ConnectionBroken(error_text(error)) from error

    def _read(self) -> None:
        """Read what has arrived of the response. Raises ConnectionBroken."""
        try:
            data = self._recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            is_refused = isinstance(error, ssl.SSLError) and error.reason in REFUSED_CERTIFICATE
            kind = HandshakeRefused if is_refused else ConnectionBroken
            raise kind(error_text(error)) from error
        self._received_bytes += len(data)
        if not self._has_head:
            self._head = self._head + data if self._head else data
        if not data:
            self._end_by_close()
            return
        self._parse(data)
        if self._body_bytes > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is over {MAX_BODY_BYTES:,} bytes")
        if not self._has_head and len(self._head) > MAX_HEAD_BYTES:
            raise ConnectionBroken(f"the head is over {MAX_HEAD_BYTES:,} bytes")
        if self._received_bytes > MAX_RECEIVED_BYTES:
            raise BodyTooLarge(
                f"the response is over {MAX_RECEIVED_BYTES:,} bytes with its framing"
            )

    def _parse(self, data: bytes) -> None:
        """Parse bytes of the response; rewrite its head if llhttp refuses it."""
        try:
            if self._refusal:
                self._parse_rewritten(self._refusal)
            else:
                self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._is_complete, self._keeps_alive = True, False
        except httptools.HttpParserError as error:
            if self._is_complete:  # what follows our response is not HTTP
                self._in_sync = False
            elif self._has_head or self._refusal:
                raise ConnectionBroken(f"not HTTP: {error}") from error
            else:
                self._refusal = str(error)
                self._parse(b"")

    def _parse_rewritten(self, refusal: str) -> None:
        """Parse the plain form of a head that llhttp refused, once the head is complete."""
        try:
            plain = plain_response(self._head)
        except ValueError:
            raise ConnectionBroken(f"not HTTP: {refusal}") from None
        if plain is not None:
            self._head, self._parser = plain, self._new_parser()
            self._parser.feed_data(plain)
            self._refusal = ""

    def _recv_decrypted(self, max_bytes: int) -> bytes:
        data = self._raw.recv(max_bytes)
        if not data or self._tls is None:
            return b""
        return self._tls.decrypted(data)

    def _end_by_close(self) -> None:
        """Handle a close by the server: the end of a body without a length, or an error."""
        if self._refusal:
            raise ConnectionBroken(f"not HTTP: {self._refusal}")
        if not self._has_head:
            where = "within the head of the response" if self._head else "before a response"
            raise ConnectionBroken(f"it was closed {where}")
        head = final_head(self._head)
        if (
            header_value(head, b"content-length")
            or b"chunked" in header_value(head, b"transfer-encoding").lower()
        ):
            raise ConnectionBroken("it was closed before its end")
        self._is_complete, self._keeps_alive = True, False

    def _response(self, body_error: str) -> Response:
        head = final_head(self._head)
        lower = head.lower()
        if not lower.startswith(b"http/1."):  # llhttp reads HTTP/0.9, HTTP/2.0 and RTSP, too
            self._in_sync = False
            raise ResponseLost("the connection broke: not HTTP: neither HTTP/1.1 nor HTTP/1.0")
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if b"\r\ncontent-encoding:" in lower and body:
            body, body_error = decode(body, content_codings(lower), body_error)
        sets_cookies = b"\r\nset-cookie:" in lower
        return Response(self.status, body[:MAX_BODY_BYTES], body_error, head, sets_cookies)


def _body_error(error: ConnectionBroken) -> str:
    if isinstance(error, DeadlinePassed):
        return "the body did not end in time"
    return str(error) if isinstance(error, BodyTooLarge) else f"the body broke off: {error}"


def error_text(error: Exception) -> str:
    """Return the message of an error, or its type's name if it has none."""
    return str(error) or type(error).__name__
