"""A connection whose responses are streams: their events are found while they arrive.

on_body ──→ decoded, bounded ──→ EventParser ──→ events, with the time of each
                                    └─ after the n-th: nothing more is read, and so the client
                                       closes the connection, which is a hang-up
"""

import time
from collections.abc import Iterable

from msgspec.structs import replace

from scenarios.http.connection import Connection
from scenarios.http.content_encoding import content_codings
from scenarios.http.event_stream import TooManyLines, event_parser
from scenarios.http.messages import MAX_BODY_BYTES, RequestTemplate, Response
from scenarios.http.response_head import final_head
from scenarios.http.stream_decoder import DecodingError, StreamDecoder
from scenarios.http.streams import MAX_EVENTS, Event, Stream, StreamEnd, StreamKind, StreamOrder

_SUCCESS = range(200, 300)
DEFAULT_ORDER = StreamOrder(StreamKind.SSE)


class StreamConnection(Connection):
    """One connection for streams. A response with another status than 2xx is none."""

    def exchange(self, data: bytes, template: RequestTemplate, deadline: float) -> Response:
        """Send a request and read its events. Raises ResponseLost.

        The times of events are since the beginning of the whole exchange.
        """
        began_s = deadline - template.timeout_s
        self._reader = StreamReader(template.stream or DEFAULT_ORDER, began_s)
        return super().exchange(data, template, deadline)

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body; a hang-up, and what cannot be read, ends the response."""
        if self._is_complete:
            return
        self._body_bytes += len(piece)
        if not self._reader.pieces:
            self._reader.begin(self.status, final_head(self._head).lower())
        self._is_complete = self._reader.feed(piece)

    def _response(self, body_error: str) -> Response:
        return self._reader.conclude(super()._response(body_error))


class StreamReader:
    """Reads the events of one response. `pieces` are those of its body, decoded."""

    def __init__(self, order: StreamOrder, began_s: float) -> None:
        """Begin before the head is known."""
        self._order, self._began_s = order, began_s
        self._parser = event_parser(order.kind)
        self._decoder = StreamDecoder()
        self._is_stream = True
        self._events: list[Event] = []
        self._first_s: float | None = None
        self._last_s = 0.0
        self._gap_s: float | None = None
        self._error = ""
        self.pieces: list[bytes] = []

    def begin(self, status: int, head: bytes) -> None:
        """Begin a body; the head is in lower case."""
        self._is_stream = status in _SUCCESS
        self._decoder = StreamDecoder(content_codings(head))

    def feed(self, piece: bytes) -> bool:
        """Take a piece of the body as it arrived; return whether nothing more is to be read."""
        try:
            decoded = self._decoder.decode(piece)
        except DecodingError as error:
            self._error = str(error)
            return True
        self.pieces.append(decoded)
        if self._is_stream:
            self._add(self._parser.feed(decoded))
        return bool(self._error) or self._is_hang_up()

    def conclude(self, response: Response) -> Response:
        """Return a response with its body and, if it is one, its stream."""
        body = b"".join(self.pieces)[:MAX_BODY_BYTES]
        if response.status not in _SUCCESS:
            return replace(response, body=body, body_error=self._error or response.body_error)
        end, error = self._end(self._error or response.body_error)
        stream = Stream(tuple(self._events), end, self._first_s, self._gap_s)
        return replace(response, body=body, body_error=error, stream=stream)

    def _end(self, error: str) -> tuple[StreamEnd, str]:
        """Return how the stream ended, and why if it broke."""
        if not error and self._is_hang_up():
            return StreamEnd.HUNG_UP, ""
        if not error:
            self._add(self._parser.end())
            error = self._error or self._incomplete()
        if not error:
            return StreamEnd.ENDED, ""
        self._note_gap(time.monotonic() - self._began_s)
        return StreamEnd.BROKEN, error

    def _add(self, events: Iterable[Event]) -> None:
        """Keep events that have arrived by now, up to the hang-up."""
        try:
            self._add_each(events)
        except TooManyLines as error:
            self._error = str(error)

    def _add_each(self, events: Iterable[Event]) -> None:
        for event in events:
            if len(self._events) == MAX_EVENTS:
                self._error = f"the stream has more than {MAX_EVENTS:,} events"
                return
            self._events.append(event)
            now_s = time.monotonic() - self._began_s
            self._note_gap(now_s)
            self._first_s, self._last_s = (now_s if self._first_s is None else self._first_s), now_s
            if self._is_hang_up():
                return

    def _note_gap(self, now_s: float) -> None:
        if self._first_s is not None:
            self._gap_s = max(self._gap_s or 0.0, now_s - self._last_s)

    def _is_hang_up(self) -> bool:
        return len(self._events) == self._order.hang_up_after

    def _incomplete(self) -> str:
        if not self._decoder.is_whole:
            return "the body broke off: its encoding is incomplete"
        return "the stream ended within an event" if self._parser.is_within_event() else ""
