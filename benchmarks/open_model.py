"""Check that the open model measures stalls fully, and sends requests when they are due.

    .venv/bin/python -m benchmarks.open_model [--seconds 60] [--rate 200]
    .venv/bin/python -m benchmarks.open_model --punctual [--seconds 60] [--rate 1000]

`engine_server stalls` blocks during the fifth second of every five, so the response time of each
arrival is known in advance: a request that is due in a stall gets its response when the stall ends.

    due at second    0 … 4         4.00    4.25    4.50    4.75    5.00
    server           responds      |----------- blocked ----------|
    response time    0 s           1.00 s  0.75 s  0.50 s  0.25 s  0 s

p95 and p99 of response time (done − due) must be within 5 % of the expected ones. A closed model
against the same server shows the error of coordinated omission: its users wait too, and so send
nothing during a stall. k6's constant arrival rate is printed for comparison; k6 is downloaded if it
is missing. With `--punctual`, the target is nginx, and 99 % of the requests must be sent within
5 ms of their due time. Exits with 1 if a bound is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine_recordings import count_failed, drive, nearest_rank
from benchmarks.engine_server import running_server, stall_remaining_s
from benchmarks.engine_targets import nginx
from benchmarks.engine_tools import find_k6, k6_command
from scenarios.evidence.recording import Recording

PERCENTILES = (95.0, 99.0)
BOUND_RATIO = 0.05
PUNCTUAL_S, PUNCTUAL_SHARE = 0.005, 0.99
MOST_USERS = 500

_CLOSED_USERS = 10
_SPAWN_MARGIN_S = 8
_SCENARIO = """\
scenario: open-model
description: One request, at a constant rate or in a closed loop.
quantities: {{}}
flow:
  - {{step: ask, request: GET target /, expect: {{status: 200}}}}
profiles:
  open: {{rate: {rate}/s, duration: {seconds}s, max_users: {most_users}}}
  closed: {{users: {closed_users}, duration: {seconds}s}}
checks: {{success_rate: 100%}}
"""


def scenario_text(rate_per_s: int, seconds: int) -> str:
    """Return a scenario with an open and a closed profile."""
    return _SCENARIO.format(
        rate=rate_per_s, seconds=seconds, most_users=MOST_USERS, closed_users=_CLOSED_USERS
    )


def expected_response_times_s(begin_at: float, rate_per_s: float, seconds: float) -> list[float]:
    """Return the response time in seconds of each arrival of a constant rate.

    `begin_at` is the wall clock (epoch seconds) at the first arrival.
    """
    arrivals = round(rate_per_s * seconds)
    return [stall_remaining_s(begin_at + number / rate_per_s) for number in range(arrivals)]


def is_within(measured_s: float, true_s: float) -> bool:
    """Return whether a percentile differs from the true one by at most `BOUND_RATIO`."""
    return abs(measured_s - true_s) <= BOUND_RATIO * true_s


def drive_profile(profile: str, url: str, rate_per_s: int, seconds: int) -> Recording:
    """Run one profile to its end. Exits if a request failed."""
    users = MOST_USERS if profile == "open" else _CLOSED_USERS
    run_s = seconds + (_SPAWN_MARGIN_S if profile == "open" else 0)  # all users spawn first
    with tempfile.TemporaryDirectory() as place:
        scenario = scenario_text(rate_per_s, seconds)
        recording = drive(scenario, url, Path(place), users, "--profile", profile,
                          "--run-time", f"{run_s}s")  # fmt: skip
    if failed := count_failed(recording):
        raise SystemExit(f"{failed} exchanges of the {profile} model failed")
    return recording


def drive_k6(url: str, rate_per_s: int, seconds: int) -> dict[float, float]:
    """Return p95 and p99 that k6 measures for the same arrivals, in seconds."""
    with tempfile.TemporaryDirectory() as place:
        summary = Path(place) / "summary.json"
        variables = {
            "URL": url, "FLOW": "arrivals", "RATE": str(rate_per_s), "VUS": str(MOST_USERS),
            "DURATION": f"{seconds}s",
        }  # fmt: skip
        trends = ",".join(f"p({percentile:g})" for percentile in PERCENTILES)
        options = ["--summary-export", str(summary), f"--summary-trend-stats={trends}"]
        command = k6_command(find_k6(), variables, *options)
        subprocess.run(command, check=True, capture_output=True)
        return k6_percentiles_s(json.loads(summary.read_bytes()))


def k6_percentiles_s(summary: dict[str, Any]) -> dict[float, float]:
    """Return the percentiles of request duration in k6's exported summary, in seconds."""
    durations_ms = summary["metrics"]["http_req_duration"]
    return {percentile: durations_ms[f"p({percentile:g})"] / 1000 for percentile in PERCENTILES}


def share_within(late_s: Sequence[float], bound_s: float) -> float:
    """Return the ratio of values up to a bound. Raises ValueError if there is no value."""
    if not late_s:
        raise ValueError("a share needs at least one value")
    return sum(each <= bound_s for each in late_s) / len(late_s)


def measure_stalls(rate_per_s: int, seconds: int) -> bool:
    """Compare open model, closed model and k6; return whether the open model is within bounds."""
    with running_server("stalls") as url:
        of_open = drive_profile("open", url, rate_per_s, seconds)
        of_closed = drive_profile("closed", url, rate_per_s, seconds)
        of_k6 = drive_k6(url, rate_per_s, seconds)
    exchanges = list(of_open.exchanges)
    # The stalls follow the wall clock: the anchor ties the recording's clock to it.
    begin_at = of_open.start.anchor_at + min(each.due_s for each in exchanges)
    truth_s = expected_response_times_s(begin_at, rate_per_s, seconds)
    dropped = of_open.end.dropped if of_open.end else 0
    print(f"{len(exchanges)} of {len(truth_s)} arrivals sent, {dropped} dropped")
    is_correct = len(exchanges) == len(truth_s)
    for percentile in PERCENTILES:
        true_s = nearest_rank(truth_s, percentile)
        closed_s = nearest_rank([each.response_s for each in of_closed.exchanges], percentile)
        open_s = nearest_rank([each.response_s for each in exchanges], percentile)
        is_correct &= is_within(open_s, true_s)
        print(
            f"p{percentile:g}: true {true_s * 1000:.1f} ms, open model {_deviation(open_s, true_s)}"
            f", closed model {_deviation(closed_s, true_s)}"
            f", k6 {_deviation(of_k6[percentile], true_s)}"
        )
    return is_correct


def measure_punctuality(rate_per_s: int, seconds: int) -> bool:
    """Drive nginx at a constant rate; return whether enough requests were sent in time."""
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        recording = drive_profile("open", target.url, rate_per_s, seconds)
    exchanges = list(recording.exchanges)
    late_s = [each.sent_s - each.due_s for each in exchanges]
    share = share_within(late_s, PUNCTUAL_S)
    expected = rate_per_s * seconds
    print(
        f"{len(exchanges)} of {expected} arrivals sent; {share:.2%} within "
        f"{PUNCTUAL_S * 1000:g} ms of their due time (required {PUNCTUAL_SHARE:.0%}), "
        f"median {nearest_rank(late_s, 50) * 1000:.3f} ms, maximum {max(late_s) * 1000:.3f} ms"
    )
    return share >= PUNCTUAL_SHARE and len(exchanges) == expected


def _deviation(measured_s: float, true_s: float) -> str:
    return f"{measured_s * 1000:.1f} ms ({measured_s / true_s - 1:+.1%})"


def main() -> None:
    """Run the benchmark; exit with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="duration of each load (60)")
    parser.add_argument("--rate", type=int, help="arrivals per second (200; 1000 with --punctual)")
    parser.add_argument(
        "--punctual", action="store_true", help="measure the delay from due to sent"
    )
    options = parser.parse_args()
    if options.punctual:
        is_correct = measure_punctuality(options.rate or 1000, options.seconds)
    else:
        is_correct = measure_stalls(options.rate or 200, options.seconds)
    sys.exit(not is_correct)


if __name__ == "__main__":
    main()
