from pathlib import Path
from typing import Any

from scenarios.evidence.exchange import Outcome
from tests.scenarios.engine.engine_doubles import make_load
from tests.scenarios.engine.locust_child import in_locust_child

RECORDED = [
    (1.0, 1.1, Outcome.OK, 200, False),
    (2.0, 2.3, Outcome.OK, 200, False),
    (3.0, 3.5, Outcome.REJECTED, 503, False),
    (4.0, 9.0, Outcome.UNKNOWN, None, False),
    (5.0, 60.0, Outcome.UNKNOWN, None, True),
]


def statistics_of(folder: str) -> dict[str, Any]:
    """Record in a child, and return Locust's statistics after each of two additions."""
    from locust.env import Environment

    from scenarios.engine.locust_statistics import LocustStatistics

    environment, load = Environment(), make_load(Path(folder))
    runner = environment.create_local_runner()
    statistics = LocustStatistics(environment, load)
    for number, (sent_s, done_s, outcome, status, cut_off) in enumerate(RECORDED, start=1):
        load.recorder.intend(number, 0, sent_s)
        load.recorder.conclude(number, sent_s, done_s, outcome, status, cut_off=cut_off)
    in_flight = load.recorder.intend(6, 0, 6.0)
    statistics.add_new_rows()
    before = runner.stats.total.num_requests
    load.recorder.conclude(in_flight, 6.0, 6.2, Outcome.OK, 200)
    statistics.add_new_rows()
    statistics.close()
    step = runner.stats.entries["ask", "step"]
    return {
        "before": before,
        "after": runner.stats.total.num_requests,
        "step": [step.num_requests, step.num_failures, round(step.max_response_time)],
        "errors": sorted(error.error for error in runner.stats.errors.values()),
    }


def test_every_concluded_exchange_is_added_once_and_cut_off_ones_never(tmp_path: Path) -> None:
    shown = in_locust_child(statistics_of, tmp_path)
    assert (shown["before"], shown["after"]) == (4, 5)
    assert shown["step"] == [5, 2, 5_000]


def test_failures_are_listed_by_outcome_and_status(tmp_path: Path) -> None:
    assert in_locust_child(statistics_of, tmp_path)["errors"] == ["rejected: status 503", "unknown"]
