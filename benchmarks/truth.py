"""Are the percentiles that this project's engine records those of the truth?

    .venv/bin/python -m benchmarks.truth [--seconds 30] [--users 10] [--seed 1]

A server of its own answers after times drawn from a log-normal distribution, and writes down how
long each answer really took. The engine drives it, closed loop; in the measured window, after a
warm-up of two seconds, its p50, p95 and p99 of service time must be within 2 % or 0.3 ms of the
server's, whichever is more. Request by request, it also shows what the way to the server and back
adds.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine_recordings import drive, nearest_rank, went_wrong
from benchmarks.engine_server import Truth, read_truth, serving
from scenarios.evidence.exchange import Exchange, trace_id

PERCENTILES = (50.0, 95.0, 99.0)
BOUND_RATIO, BOUND_S = 0.02, 0.0003

_WARM_UP_S, _ROOM_S = 2, 3

_SCENARIO = """\
scenario: truth
description: One question whose answer takes its time.
quantities: {{}}
flow:
  - {{step: ask, request: GET target /, expect: {{status: 200, json: {{status: ok}}}}}}
profiles:
  closed: {{users: {users}, duration: {lasts_s}s, warm_up: {warm_up_s}s}}
checks: {{success_rate: 100%}}
"""


@dataclass(frozen=True)
class Compared:
    """One percentile as it was recorded and as it truly was, in seconds."""

    percentile: float
    recorded_s: float
    true_s: float

    @property
    def is_within(self) -> bool:
        """Whether the two are as near as they must be."""
        return abs(self.recorded_s - self.true_s) <= max(BOUND_RATIO * self.true_s, BOUND_S)


def compare(recorded_s: Sequence[float], true_s: Sequence[float]) -> list[Compared]:
    """Return each percentile (nearest rank) of both. Raises ValueError if either is empty."""
    return [
        Compared(each, nearest_rank(recorded_s, each), nearest_rank(true_s, each))
        for each in PERCENTILES
    ]


def matched(exchanges: Sequence[Exchange], run_id: str, truth: Truth) -> list[tuple[float, float]]:
    """Return service time as recorded and as it truly was, of each exchange that was answered.

    Raises KeyError where an answer is not in the truth.
    """
    return [
        (each.done_s - each.sent_s, truth[trace_id(run_id, each.generator, each.sequence)])
        for each in exchanges
        if each.answered
    ]


def run_of(traces: Sequence[str], generator: str) -> str:
    """Return the run's id, which all trace ids begin with. Raises ValueError if they differ."""
    runs = {trace.rpartition(f"-{generator}-")[0] for trace in traces}
    if len(runs) != 1:
        raise ValueError(f"the requests are of {len(runs)} runs, not of one")
    return runs.pop()


def measure(seconds: int, users: int, seed: int) -> list[tuple[float, float]]:
    """Drive the server once; return what `matched` does. Nothing may have gone wrong."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with serving("delays", str(folder / "truth"), "--seed", str(seed)) as url:
            scenario = _SCENARIO.format(
                users=users, lasts_s=seconds + _WARM_UP_S, warm_up_s=_WARM_UP_S
            )
            recording = drive(scenario, url, folder, users, "--profile", "closed",
                              "--run-time", f"{seconds + _WARM_UP_S + _ROOM_S}s")  # fmt: skip
        if wrong := went_wrong(recording):
            raise SystemExit(f"{wrong} exchanges went wrong")
        truth = read_truth(folder / "truth")
        run_id = run_of(list(truth), recording.start.generator)
        measured = recording.exchanges.begun_after(recording.measured_from_s)
        pairs = matched(list(measured), run_id, truth)
        print(f"{len(pairs)} requests, after {len(truth) - len(pairs)} in the warm-up")
        return pairs


def main() -> None:
    """Measure and print; a percentile out of bounds is the exit status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    pairs = measure(asked.seconds, asked.users, asked.seed)
    compared = compare([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    for each in compared:
        apart_s = each.recorded_s - each.true_s
        print(
            f"p{each.percentile:g}: recorded {each.recorded_s * 1000:.3f} ms, "
            f"true {each.true_s * 1000:.3f} ms: {apart_s * 1000:+.3f} ms, "
            f"{apart_s / each.true_s:+.2%}{'' if each.is_within else '   OUT OF BOUNDS'}"
        )
    added_s = [recorded_s - true_s for recorded_s, true_s in pairs]
    p50, p99 = (nearest_rank(added_s, each) * 1000 for each in (50, 99))
    print(f"a request's way adds {p50:.3f} ms (p50), {p99:.3f} ms (p99)")
    sys.exit(not all(each.is_within for each in compared))


if __name__ == "__main__":
    main()
