"""Compare the percentiles that the load engine records with the true ones.

    .venv/bin/python -m benchmarks.truth [--seconds 30] [--users 10] [--seed 1]

`engine_server` delays its responses by log-normal times and records how long each one really took.
The engine drives it as a closed model. After a warm-up of two seconds, p50, p95 and p99 of service
time must differ from the server's by at most 2 % or 0.3 ms, whichever is more. The overhead of each
request (recorded minus true) is printed too. Exits with 1 if a percentile is out of bounds.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine_recordings import count_failed, drive, nearest_rank
from benchmarks.engine_server import Truth, read_truth, running_server
from scenarios.evidence.exchange import Exchange, trace_id

PERCENTILES = (50.0, 95.0, 99.0)
BOUND_RATIO, BOUND_S = 0.02, 0.0003

_WARM_UP_S, _MARGIN_S = 2, 3

_SCENARIO = """\
scenario: truth
description: One request whose response is delayed.
quantities: {{}}
flow:
  - {{step: ask, request: GET target /, expect: {{status: 200, json: {{status: ok}}}}}}
profiles:
  closed: {{users: {users}, duration: {duration_s}s, warm_up: {warm_up_s}s}}
checks: {{success_rate: 100%}}
"""


@dataclass(frozen=True)
class PercentileComparison:
    """One percentile as recorded by the engine and by the server, in seconds."""

    percentile: float
    recorded_s: float
    true_s: float

    @property
    def is_within(self) -> bool:
        """Whether the difference is within `BOUND_RATIO` or `BOUND_S`."""
        return abs(self.recorded_s - self.true_s) <= max(BOUND_RATIO * self.true_s, BOUND_S)


def compare(recorded_s: Sequence[float], true_s: Sequence[float]) -> list[PercentileComparison]:
    """Compare the percentiles (nearest rank) of two samples. Raises ValueError if one is empty."""
    return [
        PercentileComparison(
            percentile, nearest_rank(recorded_s, percentile), nearest_rank(true_s, percentile)
        )
        for percentile in PERCENTILES
    ]


def match_durations(
    exchanges: Sequence[Exchange], run_id: str, truth: Truth
) -> list[tuple[float, float]]:
    """Return the recorded and the true service time of each exchange that got a response.

    Raises KeyError if the server did not record it.
    """
    return [
        (
            exchange.done_s - exchange.sent_s,
            truth[trace_id(run_id, exchange.generator, exchange.sequence)],
        )
        for exchange in exchanges
        if exchange.has_response
    ]


def common_run_id(traces: Sequence[str], generator: str) -> str:
    """Return the run id that all trace ids share. Raises ValueError if they differ."""
    runs = {trace.rpartition(f"-{generator}-")[0] for trace in traces}
    if len(runs) != 1:
        raise ValueError(f"expected the requests of one run, got those of {len(runs)} runs")
    return runs.pop()


def measure(seconds: int, users: int, seed: int) -> list[tuple[float, float]]:
    """Drive the server once; return the result of `match_durations`. Exits on a failure."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with running_server("delays", str(folder / "truth"), "--seed", str(seed)) as url:
            scenario = _SCENARIO.format(
                users=users, duration_s=seconds + _WARM_UP_S, warm_up_s=_WARM_UP_S
            )
            recording = drive(scenario, url, folder, users, "--profile", "closed",
                              "--run-time", f"{seconds + _WARM_UP_S + _MARGIN_S}s")  # fmt: skip
        if failed := count_failed(recording):
            raise SystemExit(f"{failed} exchanges failed")
        truth = read_truth(folder / "truth")
        run_id = common_run_id(list(truth), recording.start.generator)
        # The server's record includes the warm-up, the engine's measurement does not.
        measured = recording.exchanges.begun_after(recording.measured_from_s)
        pairs = match_durations(list(measured), run_id, truth)
        print(f"{len(pairs)} requests measured, {len(truth) - len(pairs)} in the warm-up")
        return pairs


def main() -> None:
    """Run the benchmark; exit with 1 if a percentile is out of bounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=30, help="measured time (30)")
    parser.add_argument("--users", type=int, default=10, help="concurrent users (10)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the delays (1)")
    options = parser.parse_args()
    pairs = measure(options.seconds, options.users, options.seed)
    compared = compare([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    for each in compared:
        difference_s = each.recorded_s - each.true_s
        print(
            f"p{each.percentile:g}: recorded {each.recorded_s * 1000:.3f} ms, "
            f"true {each.true_s * 1000:.3f} ms: {difference_s * 1000:+.3f} ms, "
            f"{difference_s / each.true_s:+.2%}{'' if each.is_within else '   OUT OF BOUNDS'}"
        )
    overhead_s = [recorded_s - true_s for recorded_s, true_s in pairs]
    p50, p99 = (nearest_rank(overhead_s, each) * 1000 for each in (50, 99))
    print(f"overhead per request: {p50:.3f} ms (p50), {p99:.3f} ms (p99)")
    sys.exit(not all(each.is_within for each in compared))


if __name__ == "__main__":
    main()
