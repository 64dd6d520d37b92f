"""Validate the keys that concern streams: those of one, and those that need one."""

from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.steps import Step
from scenarios.language.violations import Violation

ADD_STREAM = "add stream: sse, or stream: json_lines"


def find_stream_violations(place: Location, step: Step) -> Iterator[Violation]:
    """Yield every violation of what a step asks of a stream, without those of templates."""
    if step.stream is None:
        if step.hang_up:
            yield (*place, "hang_up"), f"the client hangs up in a stream; {ADD_STREAM}"
        for key, expectation in step.expectations():
            if expectation.events:
                yield (*place, key, "events"), f"a stream has events; {ADD_STREAM}"
        return
    if step.request_parts()[0] == "HEAD":
        yield (*place, "stream"), "a response to HEAD has no body; send GET"
    yield from _hang_up(place, step)


def _hang_up(place: Location, step: Step) -> Iterator[Violation]:
    """Report numbers of events that no stream has from which the client hangs up."""
    count = step.hang_up.after_events if step.hang_up else 0
    for key, expectation in step.expectations():
        expected = expectation.events
        if count and expected and not expected.has(count):
            yield (
                (*place, key, "events"),
                f"the client hangs up after {count} events, and {expected.words} are expected; "
                "change one of both",
            )
