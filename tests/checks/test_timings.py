from pathlib import Path

import numpy as np
import pytest
import yaml

from checks.case import DrivenProfile
from checks.timings import Timings, due_order_by_step, timings_by_step
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.recording import RecordingEnd
from scenarios.http.streams import Event, Stream, StreamEnd
from tests.evidence_factory import GOOD, SCENARIO, Load, Made, case_of

_REFUSED = Made("open", Outcome.REJECTED, 503, "status 503, expected 200", 0.001)
_LATE_REFUSAL = Made("open", Outcome.REJECTED, 504, "status 504, expected 200", 4.0)
_BROKEN = Made("open", Outcome.UNKNOWN, None, "the connection broke", 0.002)
_TIMED_OUT = Made("open", Outcome.UNKNOWN, None, "any words", 10.0)
_NO_CONNECTION = Made("open", Outcome.NOT_SENT, None, "any words", 10.0)
_HALF_A_BODY = Made("open", Outcome.REJECTED, 200, "any words", 10.0)
_IN_FLIGHT = Made("open", concluded=False)


def _timings(
    place: Path, *iterations: tuple[Made, ...], scenario: str = SCENARIO
) -> dict[str, Timings]:
    count = len(iterations)
    load = Load(iterations, scheduled=count, end=RecordingEnd(count, 0, 0.1, 1.0))
    case = case_of(place, load, scenario=scenario)
    return timings_by_step(case, case.driven[0])


def _sizes(timings: Timings) -> tuple[int, int, int]:
    return len(timings.served_s), len(timings.timed_out_s), len(timings.failed_s)


def test_a_response_as_expected_was_served(tmp_path: Path) -> None:
    found = _timings(tmp_path, GOOD, GOOD)
    assert {step: _sizes(each) for step, each in found.items()} == {
        "open": (2, 0, 0), "use": (2, 0, 0), "iteration": (2, 0, 0),
    }  # fmt: skip


def test_a_refusal_or_a_broken_connection_was_not_served(tmp_path: Path) -> None:
    found = _timings(tmp_path, GOOD, (_REFUSED,), (_BROKEN,), (_LATE_REFUSAL,))
    assert _sizes(found["open"]) == (1, 0, 3)
    assert _sizes(found["iteration"]) == (1, 0, 3)


def test_whatever_lasted_as_long_as_the_timeout_timed_out(tmp_path: Path) -> None:
    found = _timings(tmp_path, (_TIMED_OUT,), (_NO_CONNECTION,), (_HALF_A_BODY,))
    assert _sizes(found["open"]) == (0, 3, 0)
    assert _sizes(found["iteration"]) == (0, 3, 0)
    assert found["open"].timed_out_s.min() >= 10.0


def test_the_timeout_is_that_of_the_step(tmp_path: Path) -> None:
    short = SCENARIO.replace("    request: POST shop /open\n",
                             "    request: POST shop /open\n    timeout: 4s\n")  # fmt: skip
    assert _sizes(_timings(tmp_path, (_LATE_REFUSAL,), scenario=short)["open"]) == (0, 1, 0)


def test_a_response_that_the_end_of_the_load_cut_off_is_a_lower_bound(tmp_path: Path) -> None:
    found = _timings(tmp_path, GOOD, (_IN_FLIGHT,))
    assert _sizes(found["open"]) == (1, 1, 0)
    assert _sizes(found["iteration"]) == (1, 1, 0)


def test_an_iteration_killed_between_two_steps_is_a_lower_bound(tmp_path: Path) -> None:
    assert _sizes(_timings(tmp_path, GOOD, (Made("open"),))["iteration"]) == (1, 1, 0)


def test_only_failures_slower_than_the_limit_are_judged_by_it(tmp_path: Path) -> None:
    found = _timings(tmp_path, GOOD, (_REFUSED,), (_LATE_REFUSAL,))["open"]
    assert _sizes(found.judged_by(2.5)) == (2, 0, 0)
    assert _sizes(found.judged_by(4.5)) == (1, 0, 0)


@pytest.mark.parametrize(
    ("duration_s", "sizes"), [(9.8, (0, 0, 1)), (9.95, (0, 1, 0)), (10.0, (0, 1, 0))]
)
def test_a_timer_may_fire_by_a_hundredth_early_and_no_more(
    tmp_path: Path, duration_s: float, sizes: tuple[int, int, int]
) -> None:
    early = Made("open", Outcome.UNKNOWN, None, "any words", duration_s)
    assert _sizes(_timings(tmp_path, (early,))["open"]) == sizes


def test_a_failure_that_lasted_as_long_as_the_limit_is_not_over_it() -> None:
    timings = Timings(np.empty(0), np.empty(0), np.array([2.5, 2.500001]))
    assert timings.judged_by(2.5).served_s.tolist() == [2.500001]


def test_what_was_served_or_timed_out_is_in_the_order_in_which_it_was_due(tmp_path: Path) -> None:
    slow, fast = Made("open", duration_s=0.3), Made("open", duration_s=0.1)
    load = Load(((slow,), (_REFUSED,), (_TIMED_OUT,), (fast,)))
    other = Load(((fast,), (slow,)), profile="while")
    case = case_of(tmp_path, load, other)
    (first, second) = case.driven
    together = DrivenProfile(first.phase, first.profile, first.recordings + second.recordings)
    assert due_order_by_step(case, first)["open"] == pytest.approx([0.3, 10.0, 0.1])
    found = due_order_by_step(case, together)["open"]
    assert len(found) == 5
    assert found.tolist().index(10.0) == 3  # due in the third second, after four of the others


_POLLED = SCENARIO.replace("    request: POST shop /use\n",
                           "    request: POST shop /use\n    until: {json: {a: b}}\n")  # fmt: skip
_POLL = Made("use", duration_s=1.0)
_DONE = Made("use", duration_s=0.5, marks=Mark.WAIT)
_OVERDUE = Made("use", Outcome.REJECTED, 200, "not done", 1.0, marks=Mark.WAIT)
_WRONG = Made("use", Outcome.REJECTED, 500, "status 500", 1.0)


def test_a_wait_is_timed_from_its_first_poll_to_its_last(tmp_path: Path) -> None:
    waits = ((_POLL, _POLL, _DONE, _POLL, _DONE), (_DONE,))
    found = _timings(tmp_path, *waits, scenario=_POLLED)
    assert sorted(found["use: until done"].served_s) == [0.5, 1.5, 2.5]
    assert _sizes(found["use"]) == (6, 0, 0)


def test_a_wait_whose_time_is_over_is_a_lower_bound_and_one_that_failed_proves_nothing(
    tmp_path: Path,
) -> None:
    waits = ((_POLL, _OVERDUE), (_POLL, _WRONG), (_POLL,))
    found = _timings(tmp_path, *waits, scenario=_POLLED)["use: until done"]
    assert _sizes(found) == (0, 2, 1)
    assert sorted(found.timed_out_s) == [1.0, 2.0]


_STREAMED = SCENARIO.replace("    request: POST shop /use\n",
                             "    request: POST shop /use\n    stream: sse\n")  # fmt: skip


def _stream(
    events: int, first_s: float | None, gap_s: float | None, end: StreamEnd = StreamEnd.ENDED
) -> Stream:
    return Stream((Event("a"),) * events, end, first_s, gap_s)


_ANSWER = Made("use", duration_s=4.0, stream=_stream(3, 0.5, 2.0))
_LEFT = Made("use", duration_s=1.0, stream=_stream(3, 0.25, 0.125, StreamEnd.HUNG_UP))
_ONE = Made("use", duration_s=1.0, stream=_stream(1, 0.75, None))
_NONE_CAME = Made("use", duration_s=1.0, stream=_stream(0, None, None))
_STALLED = Made("use", Outcome.REJECTED, 200, "not in time", 10.0,
                stream=_stream(2, 0.5, 9.0, StreamEnd.BROKEN))  # fmt: skip
_SILENT = Made("use", Outcome.REJECTED, 200, "not in time", 10.0,
               stream=_stream(0, None, None, StreamEnd.BROKEN))  # fmt: skip
_CUT_SHORT = Made("use", Outcome.REJECTED, 200, "broke off", 3.0,
                  stream=_stream(2, 0.5, 2.0, StreamEnd.BROKEN))  # fmt: skip
_BUSY = Made("use", Outcome.REJECTED, 429, "status 429", 0.01)
_LOST = Made("use", Outcome.UNKNOWN, None, "no response", 10.0)
_STREAMING = Made("use", concluded=False)


def _stream_times(place: Path, *made: Made) -> tuple[Timings, Timings]:
    found = _timings(place, *((each,) for each in made), scenario=_STREAMED)
    assert len(found["use"]) + len(found["use"].failed_s) == len(made)
    return found["use: first event"], found["use: longest gap"]


def test_the_first_event_is_timed_from_when_the_request_was_due(tmp_path: Path) -> None:
    late = (Made("open", duration_s=0.5), _ANSWER)
    found = _timings(tmp_path, late, (_LEFT,), (_ONE,), scenario=_STREAMED)
    assert found["use: first event"].served_s.tolist() == [0.5, 0.25, 0.75]
    assert found["use: longest gap"].served_s.tolist() == [2.0, 0.125]
    assert list(found) == ["open", "use", "use: first event", "use: longest gap", "iteration"]


def test_a_stream_without_events_proves_nothing_of_their_times(tmp_path: Path) -> None:
    first, gap = _stream_times(tmp_path, _NONE_CAME, _BUSY)
    assert (_sizes(first), _sizes(gap)) == ((0, 0, 1), (0, 0, 0))


def test_silence_until_the_timeout_is_a_lower_bound(tmp_path: Path) -> None:
    first, gap = _stream_times(tmp_path, _STALLED, _SILENT, _LOST)
    assert first.timed_out_s.tolist() == [10.0, 10.0]
    assert first.failed_s.tolist() == [0.5], "it came, though the rest did not"
    assert gap.timed_out_s.tolist() == [9.0]


def test_what_is_known_of_a_stream_that_broke_off_counts_only_over_a_limit(tmp_path: Path) -> None:
    first, gap = _stream_times(tmp_path, _CUT_SHORT, _ANSWER)
    assert (first.failed_s.tolist(), gap.failed_s.tolist()) == ([0.5], [2.0])
    assert len(first.judged_by(0.4)) == 2


def test_nothing_is_known_of_a_stream_that_the_end_of_the_load_cut_off(tmp_path: Path) -> None:
    first, gap = _stream_times(tmp_path, _ANSWER, _STREAMING)
    assert (_sizes(first), _sizes(gap)) == ((1, 0, 0), (1, 0, 0))


def test_the_iterations_of_each_of_several_flows_are_timed_by_themselves(tmp_path: Path) -> None:
    document = yaml.safe_load(SCENARIO)
    opening, using = document.pop("flow")
    document["flows"] = {
        "buy": {"share": 3, "steps": [opening]},
        "browse": {"share": 1, "steps": [using]},
    }
    bought = (Made("open", duration_s=1.0, marks=Mark.ITERATION),)
    browsed = (Made("use", duration_s=2.0, marks=Mark.ITERATION),)
    found = _timings(tmp_path, bought, browsed, bought, scenario=yaml.safe_dump(document))
    assert found["buy: iteration"].served_s.tolist() == [1.0, 1.0]
    assert found["browse: iteration"].served_s.tolist() == [2.0]
    assert _sizes(found["iteration"]) == (3, 0, 0)
