import statistics
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest

from benchmarks.engine_server import (
    delay_generator,
    read_truth,
    running_server,
    stall_remaining_s,
)
from benchmarks.truth import PercentileComparison, common_run_id, compare, match_durations
from scenarios.evidence.exchange import Exchange, Outcome


def _ask(address: str, traces: list[str]) -> list[float]:
    """Send requests one after another over one connection; return the duration of each."""
    lasted_s = []
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=60)) as connection:
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
    with running_server("delays", str(tmp_path / "truth"), "--seed", "4") as address:
        seen_s = _ask(address, traces)
    truth = read_truth(tmp_path / "truth")
    assert list(truth) == traces
    drawn_s = delay_generator(4)
    assert all(drawn_s() - 0.002 < truth[trace] for trace in traces)
    # The way is a small part of what was seen, now and then a longer one: the machine is shared.
    on_the_way_s = [seen - truth[trace] for trace, seen in zip(traces, seen_s, strict=True)]
    assert abs(statistics.median(on_the_way_s)) < statistics.median(seen_s) / 2


@pytest.mark.long
def test_a_server_that_stalls_answers_when_the_stall_ends_and_at_once_otherwise() -> None:
    with running_server("stalls") as address:
        before_s, expected_s, within_s = _ask_around_a_stall(address)
    assert within_s > expected_s - 0.05
    assert before_s < within_s / 2


def _ask_around_a_stall(address: str) -> tuple[float, float, float]:
    until_stall_s = (4.0 - time.time()) % 5.0
    before_s = _ask(address, ["a"])[0] if until_stall_s > 0.5 else 0.0
    time.sleep((4.3 - time.time()) % 5.0)
    expected_s = stall_remaining_s(time.time())
    (within_s,) = _ask(address, ["b"])
    return before_s, expected_s, within_s


def test_a_percentile_is_within_bounds_by_ratio_or_by_time() -> None:
    assert PercentileComparison(95, 0.1019, 0.1).is_within
    assert not PercentileComparison(95, 0.1021, 0.1).is_within
    assert PercentileComparison(50, 0.00129, 0.001).is_within
    assert not PercentileComparison(50, 0.00069, 0.001).is_within


def test_each_percentile_is_compared_by_nearest_rank() -> None:
    compared = compare([float(each) for each in range(1, 101)], [1.0] * 100)
    assert [(each.percentile, each.recorded_s) for each in compared] == [
        (50, 50.0), (95, 95.0), (99, 99.0),
    ]  # fmt: skip


def test_exchanges_are_matched_by_trace_id_without_those_cut_off() -> None:
    truth = {"run-1-load-1": 0.4, "run-1-load-2": 0.3}
    cut_off = replace(_exchange(2, Outcome.UNKNOWN), cut_off=True)
    assert common_run_id(list(truth), "load") == "run-1"
    assert match_durations([_exchange(1, Outcome.OK), cut_off], "run-1", truth) == [(0.5, 0.4)]
    with pytest.raises(KeyError):
        match_durations([_exchange(3, Outcome.OK)], "run-1", truth)


def test_trace_ids_of_two_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="2 runs"):
        common_run_id(["a-load-1", "b-load-1"], "load")
