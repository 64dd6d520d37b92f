r"""Find the events in the bytes of a response, as they arrive.

Server-sent events, by the rules of WHATWG (HTML, section 9.2.6), and JSON lines:

    : a comment                          {"tokens": 1}
    event: delta                         {"tokens": 2}
    id: 7
    data: {"tokens":
    data:  1}                            each line that is not blank is an event
                 ← a blank line ends an event
"""

from collections.abc import Iterator
from typing import Protocol

from scenarios.http.streams import Event, StreamKind

MAX_LINES = 500_000  # of one response

_BOM = b"\xef\xbb\xbf"


class EventParser(Protocol):
    """Finds the events in the bytes of one response."""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield each event that ends in a piece of the body. Raises TooManyLines."""
        ...

    def end(self) -> Iterator[Event]:
        """Yield what the end of the body ends."""
        ...

    def is_within_event(self) -> bool:
        """Return whether an event has begun that nothing has ended."""
        ...


class TooManyLines(ValueError):
    """A stream has more than MAX_LINES lines; the text is the reason."""


class Lines:
    r"""The lines of a text that arrives in pieces. They end in \n, or also in \r and \r\n."""

    def __init__(self, *, ends_in_cr: bool) -> None:
        """Begin a text."""
        self.rest = bytearray()
        self._ends_in_cr = ends_in_cr
        self._is_after_cr = False
        self._left = MAX_LINES

    def feed(self, piece: bytes) -> list[bytes]:
        r"""Return the lines that end in a piece; a \r ends one before its \n may have come.

        Raises TooManyLines.
        """
        if not piece:
            return []
        if self._is_after_cr:
            piece = piece.removeprefix(b"\n")
        # counted before they become objects: a small piece may decode to millions of line ends
        ends = piece.count(b"\n") + (piece.count(b"\r") if self._ends_in_cr else 0)
        self._is_after_cr = self._ends_in_cr and piece.endswith(b"\r")
        self._left -= ends
        if self._left < 0:
            raise TooManyLines(f"the stream has more than {MAX_LINES:,} lines")
        if not ends:  # what has no line end is neither copied nor searched again
            self.rest += piece
            return []
        whole = bytes(self.rest) + piece
        lines = whole.splitlines() if self._ends_in_cr else whole.split(b"\n")
        has_rest = not self._ends_in_cr or whole[-1:] not in (b"\n", b"\r")
        self.rest = bytearray(lines.pop() if has_rest else b"")
        return lines


class SseParser:
    """Finds server-sent events."""

    def __init__(self) -> None:
        """Begin a stream."""
        self._lines = Lines(ends_in_cr=True)
        self._is_first = True
        self._id = self._event = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield each event that ends in a piece of the body; one without data is none."""
        for each in self._lines.feed(piece):
            line = each.removeprefix(_BOM) if self._is_first else each
            self._is_first = False
            if line:
                self._take(line)
                continue
            event = Event("\n".join(self._data), self._event or "message", self._id)
            is_event, self._data, self._event = bool(self._data), [], ""
            if is_event:
                yield event

    def end(self) -> Iterator[Event]:
        """Yield nothing: only a blank line ends an event."""
        yield from ()

    def is_within_event(self) -> bool:
        """Return whether an event has begun, or a line that is no comment."""
        rest = self._lines.rest
        return bool(self._data) or (bool(rest) and not rest.startswith(b":"))

    def _take(self, line: bytes) -> None:
        """Take one field; comments and other names, such as retry, are ignored."""
        name, _, value = line.partition(b":")
        content = value.removeprefix(b" ").decode(errors="replace")
        if name == b"data":
            self._data.append(content)
        elif name == b"event":
            self._event = content
        elif name == b"id" and "\0" not in content:
            self._id = content


class JsonLinesParser:
    """Finds the lines of JSON lines; the last one needs no line end."""

    def __init__(self) -> None:
        """Begin a stream."""
        self._lines = Lines(ends_in_cr=False)

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield each line that ends in a piece of the body and is not blank."""
        for line in self._lines.feed(piece):
            if text := line.removeprefix(_BOM).strip():
                yield Event(text.decode(errors="replace"))

    def end(self) -> Iterator[Event]:
        """Yield the last line, if nothing ended it."""
        yield from self.feed(b"\n")

    def is_within_event(self) -> bool:
        """Return False: whether the last line is whole, its JSON shows."""
        return False


def event_parser(kind: StreamKind) -> EventParser:
    r"""Return a parser for one response.

    >>> [event.data for event in event_parser(StreamKind.SSE).feed(b"data: a\ndata: b\n\ndata: c")]
    ['a\nb']
    """
    return SseParser() if kind is StreamKind.SSE else JsonLinesParser()
