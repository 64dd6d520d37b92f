from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.http.event_stream import MAX_LINES, Lines, TooManyLines, event_parser
from scenarios.http.streams import Event, StreamKind

SSE, JSON_LINES = StreamKind


def events_of(body: bytes, kind: StreamKind = SSE, cuts: Sequence[int] = ()) -> list[Event]:
    """Return the events of a body that arrives in pieces, cut at these places."""
    parser = event_parser(kind)
    places = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    pieces = [body[begin:end] for begin, end in pairwise(places)]
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [*found, *parser.end()]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"data: a\n\ndata: b\n\n", ["a", "b"]),
        (b"data:a\r\n\r\ndata:  b\r\n\r\n", ["a", " b"]),
        (b"data: a\r\rdata: b\r\r", ["a", "b"]),
        (b"data: a\r\n\ndata: b\n\r\n", ["a", "b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b"data\n\ndata\ndata\n\n", ["", "\n"]),
        (b": ping\n\n:\n\ndata: a\n\n", ["a"]),
        (b"\n\n\n\ndata: a\n\n\n\n", ["a"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a"]),
        (b"retry: 10\nother: x\n data: x\nData: x\ndata: a\n\n", ["a"]),
        (b"event: only\nid: 7\n\ndata: a\n\n", ["a"]),
        (b"data: a\n\ndata: never ended", ["a"]),
        (b"data: a\n\ndata: never ended\n", ["a"]),
        (b"data: a\0b\n\n", ["a\0b"]),
        (b"data: \xff\xc3\xa9\n\n", ["\ufffdé"]),
        (b"", []),
    ],
)  # fmt: skip
def test_server_sent_events_are_found_as_whatwg_has_it(body: bytes, data: list[str]) -> None:
    assert [event.data for event in events_of(body)] == data


def test_an_event_has_its_type_and_the_last_id_so_far() -> None:
    body = b"id: 1\nevent: delta\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\0\ndata: d\n\n"
    assert events_of(body) == [
        Event("a", "delta", "1"), Event("b", "message", "1"), Event("c"), Event("d"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b'{"a": 1}\n{"a": 2}\n', ['{"a": 1}', '{"a": 2}']),
        (b'{"a": 1}\r\n\r\n\n{"a": 2}', ['{"a": 1}', '{"a": 2}']),
        (b'{"a":\r1}\n', ['{"a":\r1}']),
        (b"\xef\xbb\xbf1\n  2  \n", ["1", "2"]),
        (b"\n", []),
    ],
)  # fmt: skip
def test_each_line_of_json_lines_that_is_not_blank_is_an_event(
    body: bytes, data: list[str]
) -> None:
    assert [event.data for event in events_of(body, JSON_LINES)] == data


@given(
    st.lists(st.sampled_from([b"data: a", b"data", b"id: 1", b"event: x", b":", b"", b"\xef\xbb"])),
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n"]), min_size=1),
    st.lists(st.integers(0, 200)),
    st.sampled_from(StreamKind),
)  # fmt: skip
def test_where_the_network_cuts_a_stream_does_not_change_its_events(
    lines: list[bytes], ends: list[bytes], cuts: list[int], kind: StreamKind
) -> None:
    body = b"".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
    assert events_of(body, kind, cuts) == events_of(body, kind)


def test_an_event_is_found_before_the_byte_after_it_arrives() -> None:
    parser = event_parser(SSE)
    assert list(parser.feed(b"data: a\r\n\r")) == [Event("a")]
    assert list(parser.feed(b"")) == []
    assert list(parser.feed(b"\ndata: x\n")) == []
    assert list(parser.feed(b"\r")) == [Event("x")]
    assert list(parser.feed(b"data: b\r\r")) == [Event("b")]


@pytest.mark.parametrize(
    ("body", "is_within"),
    [
        (b"data: a\n\n", False), (b"data: a\n", True), (b"data: a\n\nda", True),
        (b"data: a\n\n: pin", False), (b"id: 7\n", False), (b"", False),
    ],
)  # fmt: skip
def test_an_event_that_nothing_ended_is_known(body: bytes, is_within: bool) -> None:
    parser = event_parser(SSE)
    list(parser.feed(body))
    assert parser.is_within_event() is is_within


@pytest.mark.parametrize("kind", StreamKind)
@pytest.mark.parametrize("is_whole", [True, False], ids=["at once", "in pieces"])
def test_a_stream_has_a_bounded_number_of_lines(kind: StreamKind, is_whole: bool) -> None:
    parser = event_parser(kind)
    body = b"\n" * (MAX_LINES + 1)
    step = len(body) if is_whole else 100_000
    with pytest.raises(TooManyLines, match="more than 500,000 lines"):
        for begin in range(0, len(body), step):
            assert list(parser.feed(body[begin : begin + step])) == []


def test_what_has_no_line_end_is_not_copied_again() -> None:
    lines = Lines(ends_in_cr=True)
    lines.feed(b"x" * 1_000)
    kept = lines.rest
    assert [lines.feed(b"x" * 1_000) for _ in range(20)] == [[]] * 20
    assert lines.rest is kept
    assert lines.feed(b"y\n") == [b"x" * 21_000 + b"y"]
