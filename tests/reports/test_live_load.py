from dataclasses import replace

from reports.live_load import LimitSoFar, LoadSnapshot, snapshot_lines

LOAD = LoadSnapshot("benchmark", 118, 600, 12.3, 48.0, 9.8, requests={"benchmark": 354})


def test_the_first_line_has_how_far_it_is_and_how_long_it_takes() -> None:
    assert snapshot_lines(LOAD)[0] == "… benchmark  118 of 600 in 12 s, about 48 s left"
    endless = replace(LOAD, scheduled=None, remaining_s=None, elapsed_s=3725.0)
    assert snapshot_lines(endless)[0] == "… benchmark  118 in 1:02:05"


def test_the_second_line_has_throughput_failures_and_dropped_arrivals() -> None:
    assert snapshot_lines(LOAD)[1] == "  9.8 iterations/s, 0 of 354 requests failed"
    bad = replace(LOAD, failed={"benchmark": 3}, dropped=2)
    assert snapshot_lines(bad)[1] == (
        "  9.8 iterations/s, 3 of 354 requests failed (0.85 %), 2 dropped"
    )


def test_the_p95_that_is_nearest_to_its_limit_is_shown() -> None:
    limits = [LimitSoFar("ask", 0.38, 2.5), LimitSoFar("pay", 0.4, 0.5)]
    assert snapshot_lines(replace(LOAD, limits=limits))[2] == (
        "  p95 so far: pay 0.400 s of 0.500 s"
    )
    assert len(snapshot_lines(LOAD)) == 2


def test_each_worker_has_a_line_and_of_many_the_first() -> None:
    requests = {f"load-w{number}": 10 * number for number in range(1, 7)}
    lines = snapshot_lines(replace(LOAD, requests=requests, failed={"load-w2": 5}))
    assert lines[2:4] == [
        "  load-w1: 10 requests, 0 failed",
        "  load-w2: 20 requests, 5 failed",
    ]
    assert lines[-1] == "  and 2 more workers"
    assert snapshot_lines(LOAD)[2:] == []
