from pathlib import Path

import pytest

from checks.observations import StreamEvents
from checks.streams import stream_events
from reports.html import render_html
from reports.views.sections import step_rows
from scenarios.http.streams import Event, Stream, StreamEnd
from tests.evidence_factory import SCENARIO, Load, Made, case_of
from tests.reports.results import good_result, latency_row

STREAMED = SCENARIO.replace("    request: POST shop /use\n",
                            "    request: POST shop /use\n    stream: sse\n")  # fmt: skip


def streamed(events: int, end: StreamEnd = StreamEnd.ENDED) -> Made:
    return Made("use", stream=Stream((Event("a"),) * events, end, 0.1 if events else None))


@pytest.mark.parametrize(
    ("events", "row"),
    [
        ((7,), StreamEvents("use", 1, 7, 7, 7, 7, 0)),
        ((9, 3, 240, 12), StreamEvents("use", 4, 264, 3, 9, 240, 0)),
        ((0, 0, 5), StreamEvents("use", 3, 5, 0, 0, 5, 0)),
    ],
)
def test_the_events_of_each_stream_are_counted(
    tmp_path: Path, events: tuple[int, ...], row: StreamEvents
) -> None:
    load = Load([(Made("open"), streamed(each)) for each in events])
    assert stream_events(case_of(tmp_path, load, scenario=STREAMED)) == (row,)


def test_broken_streams_are_counted_among_them(tmp_path: Path) -> None:
    load = Load([(Made("open"), streamed(4)), (Made("open"), streamed(1, StreamEnd.BROKEN))])
    (row,) = stream_events(case_of(tmp_path, load, scenario=STREAMED))
    assert (row.streams, row.events, row.fewest, row.broken) == (2, 5, 1, 1)


def test_a_step_without_streams_has_no_row(tmp_path: Path) -> None:
    assert stream_events(case_of(tmp_path, Load())) == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (StreamEvents("ask", 9, 108, 3, 12, 2400, 0), "12 (3–2,400)"),
        (StreamEvents("ask", 9, 108, 12, 12, 12, 2), "12, 2 broken"),
    ],
)
def test_the_table_of_first_event_and_gap_has_the_number_of_events(
    row: StreamEvents, words: str
) -> None:
    names = ("ask", "ask: first event", "ask: longest gap", "iteration")
    result = good_result(latency=tuple(latency_row(name, 0.2) for name in names), streams=(row,))
    assert [each.events for each in step_rows(result)] == [words, "–", "–", "–"]
    page = render_html(result)
    assert "Events of a stream" in page
    assert f">{words}</td>" in page


def test_without_streams_the_table_has_no_column_for_them() -> None:
    assert "Events of a stream" not in render_html(good_result())
