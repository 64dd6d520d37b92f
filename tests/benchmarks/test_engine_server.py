import math
import statistics
from pathlib import Path

import pytest

from benchmarks.engine_server import (
    MEDIAN_S,
    SIGMA,
    delay_generator,
    next_stall_in_s,
    read_truth,
    stall_remaining_s,
    trace_id_of,
    write_truth,
)


def test_delays_are_log_normal_and_repeatable_for_a_seed() -> None:
    one, same = delay_generator(7), delay_generator(7)
    delays_s = [one() for _ in range(20_000)]
    assert delays_s[:50] == [same() for _ in range(50)]
    logarithms = [math.log(each) for each in delays_s]
    assert statistics.fmean(logarithms) == pytest.approx(math.log(MEDIAN_S), abs=0.02)
    assert statistics.stdev(logarithms) == pytest.approx(SIGMA, rel=0.02)


def test_true_durations_are_read_as_written(tmp_path: Path) -> None:
    truth = {"run-load-1": 0.1 + 0.2, "run-load-2": 1e-5}
    write_truth(tmp_path / "truth", truth)
    assert read_truth(tmp_path / "truth") == truth


@pytest.mark.parametrize("name", [b"X-Trace-ID", b"x-trace-id"])
def test_the_name_of_the_trace_header_is_case_insensitive(name: bytes) -> None:
    assert trace_id_of(b"GET / HTTP/1.1\r\nA: b\r\n" + name + b": abc-1\r\n\r\n") == "abc-1"
    assert trace_id_of(b"GET / HTTP/1.1\r\nA: b\r\n\r\n") == ""


@pytest.mark.parametrize("at_s", [0.0, 3.5, 4.0, 4.75, 5.0, 1_700_000_004.25])
def test_a_stall_either_goes_on_or_begins_later(at_s: float) -> None:
    assert (stall_remaining_s(at_s) > 0) == (next_stall_in_s(at_s) == 0)
    assert stall_remaining_s(at_s + next_stall_in_s(at_s)) > 0
