"""The server's side of HTTP/1.1, with limits that uvicorn lacks: size of a head, time of a request.

    request    ├─ head ─┼─ body ── framing, trailers ─┤
    limited    MAX_HEAD_BYTES    MAX_FRAMING_BYTES    both end within REQUEST_S of the first byte

`limit_body` of the middleware bounds the body itself, and answers in the form of the API.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 65_536
MAX_FRAMING_BYTES = 1_048_576
REQUEST_S = 30.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection; it is closed when a request exceeds a limit."""

    request_s = REQUEST_S

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_in_head = True
        self._beside_body_bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time of the first request: its client may never send one."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read a part of a request, and close the connection if it exceeds a limit."""
        self._beside_body_bytes += len(data)
        self._start_timer()
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_in_head and self._beside_body_bytes > MAX_HEAD_BYTES:
            self.send_400_response(f"The head of the request exceeds {MAX_HEAD_BYTES} bytes.")
        elif self._beside_body_bytes > MAX_FRAMING_BYTES:
            self.transport.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a trailer, after the body, is not one."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Note the end of the head."""
        self._is_in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Do not count the body itself."""
        self._beside_body_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note the end of a request; the next one may follow in the same data."""
        self._is_in_head, self._beside_body_bytes = True, 0
        self._stop_timer()
        super().on_message_complete()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.request_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
