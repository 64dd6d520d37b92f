"""What a step expects of a stream: its type, its end, the number of its events, their JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from scenarios.driver.message_expectations import Mismatch
from scenarios.http.bounded_json import MAX_VALUES, UnboundedJson, decode_json
from scenarios.http.messages import Response
from scenarios.http.streams import Event, Stream, StreamEnd, StreamKind
from scenarios.language.steps import Step
from scenarios.language.streams import EventCount

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class StreamExpectations:
    """What is expected of a stream; `content_type` is "" where any is right."""

    kind: StreamKind
    content_type: str = ""
    hang_up_after: int | None = None
    count: EventCount | None = None

    def mismatch(self, response: Response, stream: Stream) -> Mismatch | None:
        """Return what is wrong with a stream apart from what its events have, or None."""
        found, count = response.content_type.partition(";")[0].strip(), len(stream.events)
        if found != self.content_type and self.content_type and _has_content(response):
            group = f"the response is no stream of the type {self.content_type}"
            return f"{group}: {found or 'no content type'}", group
        if response.body_error:
            return f"{response.body_error}, after {_events(count)}", response.body_error
        if (
            self.hang_up_after
            and stream.end is not StreamEnd.HUNG_UP
            and count < self.hang_up_after
        ):
            group = f"the stream ended before the hang-up after {_events(self.hang_up_after)}"
            return f"{group}: it has {_events(count)}", group
        if self.count and not self.count.has(count):
            group = f"the number of events is not {self.count.words}"
            return f"{_events(count)}, expected {self.count.words}", group
        return None

    def wrong_line(self, events: Sequence[dict[str, Any]], stream: Stream) -> Mismatch | None:
        """Return which line of JSON lines is no JSON, or None."""
        if self.kind is not StreamKind.JSON_LINES:
            return None
        for number, (event, (data, _, _)) in enumerate(zip(events, stream.events, strict=True), 1):
            # JSON is never the text that it is written as: that has quotes
            if event["data"] == data:
                return f"line {number} is not JSON", "a line is not JSON"
        return None


def decode_events(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return events as JSON has them; data that is no JSON is text. Raises UnboundedJson."""
    # of all events together, so that many of them cannot fill the memory
    if sum(map(_most_values, events)) > MAX_VALUES:
        raise UnboundedJson(f"the JSON of the stream has more than {MAX_VALUES:,} values")
    return [{"event": each.event, "data": _decoded(each.data), "id": each.id} for each in events]


def _decoded(data: str) -> Any:
    try:
        return decode_json(data.encode())
    except UnboundedJson:
        raise
    except ValueError:
        return data


def compile_stream_expectations(step: Step) -> StreamExpectations | None:
    """Compile what a step expects of a stream, or return None if its response is none."""
    if step.stream is None:
        return None
    names_type = any(name.lower() == "content-type" for name in step.expect.headers)
    has_type = step.stream is StreamKind.SSE and not names_type
    return StreamExpectations(
        step.stream,
        EVENT_STREAM if has_type else "",
        step.hang_up.after_events if step.hang_up else None,
        step.expect.events,
    )


def _has_content(response: Response) -> bool:
    return response.status != HTTPStatus.NO_CONTENT


def _most_values(event: Event) -> int:
    return 1 + sum(map(event.data.count, ",[{"))


def _events(count: int) -> str:
    return f"{count:,} event{'' if count == 1 else 's'}"
