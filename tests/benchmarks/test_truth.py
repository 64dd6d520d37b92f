import math
import statistics
import time
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from benchmarks import open_model
from benchmarks.engine_recordings import nearest_rank
from benchmarks.engine_server import (
    MEDIAN_S,
    SIGMA,
    drawn_delays,
    read_truth,
    serving,
    stalled_for_s,
    trace_in,
    write_truth,
)
from benchmarks.open_model import (
    k6_percentiles_s,
    scenario_text,
    share_within,
    true_responses_s,
)
from benchmarks.truth import Compared, compare, matched, run_of
from scenarios.evidence.exchange import CUT_OFF, Exchange, Outcome
from tests.clock import undisturbed


def _ask(address: str, traces: list[str]) -> list[float]:
    """Ask one question after the other over one connection; return how long each took."""
    lasted_s = []
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=10)) as connection:
        for trace in traces:
            began_s = time.monotonic()
            connection.request("GET", "/", headers={"X-Trace-ID": trace})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
            lasted_s.append(time.monotonic() - began_s)
    return lasted_s


def _exchange(sequence: int, outcome: Outcome, reason: str = "") -> Exchange:
    return Exchange("load", sequence, sequence, "ask", 1.0, 2.0, 2.5, outcome, 200, reason)


def test_what_the_server_wrote_down_is_what_a_client_saw_but_for_the_way(tmp_path: Path) -> None:
    traces = [f"run-load-{number}" for number in range(1, 31)]
    with serving("delays", str(tmp_path / "truth"), "--seed", "4") as address:
        seen_s = _ask(address, traces)
    truth = read_truth(tmp_path / "truth")
    assert list(truth) == traces
    drawn_s = drawn_delays(4)
    for trace, lasted_s in zip(traces, seen_s, strict=True):
        assert drawn_s() - 0.002 < truth[trace] <= lasted_s + 0.05


def test_delays_are_log_normal_and_the_same_for_a_seed() -> None:
    one, same = drawn_delays(7), drawn_delays(7)
    delays_s = [one() for _ in range(20_000)]
    assert delays_s[:50] == [same() for _ in range(50)]
    logarithms = [math.log(each) for each in delays_s]
    assert statistics.fmean(logarithms) == pytest.approx(math.log(MEDIAN_S), abs=0.02)
    assert statistics.stdev(logarithms) == pytest.approx(SIGMA, rel=0.02)


def test_the_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    truth = {"run-load-1": 0.1 + 0.2, "run-load-2": 1e-5}
    write_truth(tmp_path / "truth", truth)
    assert read_truth(tmp_path / "truth") == truth


@pytest.mark.parametrize("name", [b"X-Trace-ID", b"x-trace-id"])
def test_a_trace_id_is_found_however_its_name_is_written(name: bytes) -> None:
    assert trace_in(b"GET / HTTP/1.1\r\nA: b\r\n" + name + b": abc-1\r\n\r\n") == "abc-1"
    assert trace_in(b"GET / HTTP/1.1\r\nA: b\r\n\r\n") == ""


@pytest.mark.long
def test_a_server_that_stalls_answers_when_the_stall_ends_and_at_once_otherwise() -> None:
    with serving("stalls") as address:
        before_s, expected_s, within_s = undisturbed(partial(_ask_around_a_stall, address))
    assert before_s < 0.3
    assert within_s == pytest.approx(expected_s, abs=0.15)


def _ask_around_a_stall(address: str) -> tuple[float, float, float]:
    until_stall_s = (4.0 - time.time()) % 5.0
    before_s = _ask(address, ["a"])[0] if until_stall_s > 0.5 else 0.0
    time.sleep((4.3 - time.time()) % 5.0)
    expected_s = stalled_for_s(time.time())
    (within_s,) = _ask(address, ["b"])
    return before_s, expected_s, within_s


@pytest.mark.parametrize("begin_at", [0.0, 3.7, 4.5, 1_700_000_002.25])
def test_a_fifth_of_the_arrivals_waits_evenly_up_to_a_second(begin_at: float) -> None:
    truth_s = true_responses_s(begin_at, 200, 60)
    assert len(truth_s) == 12_000
    assert sum(each > 0 for each in truth_s) == pytest.approx(2_400, abs=12)
    assert nearest_rank(truth_s, 95) == pytest.approx(0.75, abs=0.01)
    assert nearest_rank(truth_s, 99) == pytest.approx(0.95, abs=0.01)
    assert max(truth_s) <= 1.0


def test_a_percentile_is_within_bounds_by_ratio_or_by_time() -> None:
    assert Compared(95, 0.1019, 0.1).is_within
    assert not Compared(95, 0.1021, 0.1).is_within
    assert Compared(50, 0.00129, 0.001).is_within
    assert not Compared(50, 0.00069, 0.001).is_within
    assert open_model.is_within(0.78, 0.75)
    assert not open_model.is_within(0.70, 0.75)


def test_each_percentile_is_compared_by_nearest_rank() -> None:
    compared = compare([float(each) for each in range(1, 101)], [1.0] * 100)
    assert [(each.percentile, each.recorded_s) for each in compared] == [
        (50, 50.0), (95, 95.0), (99, 99.0),
    ]  # fmt: skip


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        nearest_rank([], 50)
    with pytest.raises(ValueError, match="no share"):
        share_within([], 0.005)


def test_exchanges_meet_their_truth_by_trace_id_and_those_cut_off_are_left_out() -> None:
    truth = {"run-1-load-1": 0.4, "run-1-load-2": 0.3}
    cut_off = _exchange(2, Outcome.UNKNOWN, CUT_OFF)
    assert run_of(list(truth), "load") == "run-1"
    assert matched([_exchange(1, Outcome.OK), cut_off], "run-1", truth) == [(0.5, 0.4)]
    with pytest.raises(KeyError):
        matched([_exchange(3, Outcome.OK)], "run-1", truth)


def test_requests_of_two_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="2 runs"):
        run_of(["a-load-1", "b-load-1"], "load")


def test_the_percentiles_of_k6_are_seconds() -> None:
    summary = {"metrics": {"http_req_duration": {"p(95)": 750.0, "p(99)": 950.0}}}
    assert k6_percentiles_s(summary) == {95.0: 0.75, 99.0: 0.95}


def test_the_share_counts_what_is_at_the_bound() -> None:
    assert share_within([0.001, 0.005, 0.0051, -0.001], 0.005) == 0.75


def test_both_models_are_of_one_rate_and_time() -> None:
    text = scenario_text(200, 60)
    assert "open: {rate: 200/s, duration: 60s, max_users: 500}" in text
    assert "closed: {users: 10, duration: 60s}" in text
