"""Count the events of the streams of each step, in the measured window of the last phase."""

from collections.abc import Iterator

import numpy as np

from checks.case import Case, DrivenProfile
from checks.observations import StreamEvents
from scenarios.evidence.stream_times import NO_STREAMS
from scenarios.http.streams import StreamEnd


def stream_events(case: Case) -> tuple[StreamEvents, ...]:
    """Return a row for each step that had streams, in the order of the flow."""
    return tuple(_rows(case, case.measured)) if case.measured else ()


def _rows(case: Case, driven: DrivenProfile) -> Iterator[StreamEvents]:
    for step in case.scenario.flow_steps:
        parts = [each.of_step(step.step) for each in driven.measured] if step.stream else []
        # what the end of the load cut off had as many events as came by then
        rows = [each.stream_rows()[~each.cut_off] for each in parts]
        streams = np.concatenate([NO_STREAMS, *(each[each["end"] != 0] for each in rows)])
        if len(streams):
            events, ends = np.sort(streams["events"]), streams["end"]
            yield StreamEvents(
                step=step.step, streams=len(streams), events=int(events.sum(dtype=np.int64)),
                fewest=int(events[0]), median=int(events[(len(events) - 1) // 2]),
                most=int(events[-1]), broken=int((ends == StreamEnd.BROKEN).sum()),
            )  # fmt: skip
