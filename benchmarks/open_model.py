"""Does the open model see a stall as long as it was, and does it send when it should?

    .venv/bin/python -m benchmarks.open_model [--seconds 60] [--rate 200]
    .venv/bin/python -m benchmarks.open_model --punctual [--seconds 60] [--rate 1000]

A server answers at once, but does nothing at all in the fifth second of every five. From its
schedule it is known how long each arrival must have waited: what arrives in a stall is answered
when that ends. p95 and p99 of response time (done − due) must be within 5 % of that. A closed model
against the same server, whose users wait too and so do not ask, shows how far off its p95 is; k6's
constant arrival rate stands beside it. With `--punctual`, the target is nginx, and 99 % of the
requests must have been sent within 5 ms of when they were due. k6 is fetched where it is missing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.engine_recordings import drive, nearest_rank, went_wrong
from benchmarks.engine_server import serving, stalled_for_s
from benchmarks.engine_targets import nginx
from benchmarks.engine_tools import find_k6, k6_command
from scenarios.evidence.recording import Recording

PERCENTILES = (95.0, 99.0)
BOUND_RATIO = 0.05
PUNCTUAL_S, PUNCTUAL_SHARE = 0.005, 0.99
MOST_USERS = 500

_CLOSED_USERS = 10
_ROOM_S = 8
_SCENARIO = """\
scenario: open-model
description: One question, asked at a rate or again and again.
quantities: {{}}
flow:
  - {{step: ask, request: GET target /, expect: {{status: 200}}}}
profiles:
  open: {{rate: {rate}/s, duration: {seconds}s, max_users: {most_users}}}
  closed: {{users: {closed_users}, duration: {seconds}s}}
checks: {{success_rate: 100%}}
"""


def scenario_text(rate_per_s: int, seconds: int) -> str:
    """Return the scenario with its two profiles."""
    return _SCENARIO.format(
        rate=rate_per_s, seconds=seconds, most_users=MOST_USERS, closed_users=_CLOSED_USERS
    )


def true_responses_s(begin_at: float, rate_per_s: float, seconds: float) -> list[float]:
    """Return how long each arrival of a constant rate waits for its answer, in seconds.

    `begin_at` is the wall clock (epoch seconds) at the first arrival.
    """
    arrivals = round(rate_per_s * seconds)
    return [stalled_for_s(begin_at + number / rate_per_s) for number in range(arrivals)]


def is_within(measured_s: float, true_s: float) -> bool:
    """Tell whether a percentile is as near to the truth as it must be."""
    return abs(measured_s - true_s) <= BOUND_RATIO * true_s


def drive_profile(profile: str, url: str, rate_per_s: int, seconds: int) -> Recording:
    """Drive one profile to its end; nothing may have gone wrong."""
    users = MOST_USERS if profile == "open" else _CLOSED_USERS
    run_s = seconds + (_ROOM_S if profile == "open" else 0)  # users take their seats first
    with tempfile.TemporaryDirectory() as place:
        scenario = scenario_text(rate_per_s, seconds)
        recording = drive(scenario, url, Path(place), users, "--profile", profile,
                          "--run-time", f"{run_s}s")  # fmt: skip
    if wrong := went_wrong(recording):
        raise SystemExit(f"{wrong} exchanges of the {profile} model went wrong")
    return recording


def drive_k6(url: str, rate_per_s: int, seconds: int) -> dict[float, float]:
    """Return k6's p95 and p99 of the same arrivals, in seconds."""
    with tempfile.TemporaryDirectory() as place:
        summary = Path(place) / "summary.json"
        variables = {
            "URL": url, "FLOW": "arrivals", "RATE": str(rate_per_s), "VUS": str(MOST_USERS),
            "DURATION": f"{seconds}s",
        }  # fmt: skip
        trends = ",".join(f"p({each:g})" for each in PERCENTILES)
        options = ["--summary-export", str(summary), f"--summary-trend-stats={trends}"]
        command = k6_command(find_k6(), variables, *options)
        subprocess.run(command, check=True, capture_output=True)
        return k6_percentiles_s(json.loads(summary.read_bytes()))


def k6_percentiles_s(summary: dict[str, Any]) -> dict[float, float]:
    """Return the percentiles of request duration, in seconds, that k6's exported summary tells."""
    told = summary["metrics"]["http_req_duration"]
    return {each: told[f"p({each:g})"] / 1000 for each in PERCENTILES}


def share_within(late_s: Sequence[float], bound_s: float) -> float:
    """Return which share of the values is within a bound. Raises ValueError if there is none."""
    if not late_s:
        raise ValueError("of no request there is no share")
    return sum(each <= bound_s for each in late_s) / len(late_s)


def measure_stalls(rate_per_s: int, seconds: int) -> bool:
    """Drive a server that stalls by both models and k6; print all, tell whether ours is right."""
    with serving("stalls") as url:
        of_open = drive_profile("open", url, rate_per_s, seconds)
        of_closed = drive_profile("closed", url, rate_per_s, seconds)
        of_k6 = drive_k6(url, rate_per_s, seconds)
    exchanges = list(of_open.exchanges)
    begin_at = of_open.start.anchor_at + min(each.due_s for each in exchanges)
    truth_s = true_responses_s(begin_at, rate_per_s, seconds)
    dropped = of_open.end.dropped if of_open.end else 0
    print(f"{len(exchanges)} of {len(truth_s)} arrivals sent, {dropped} dropped")
    right = len(exchanges) == len(truth_s)
    for each in PERCENTILES:
        true_s = nearest_rank(truth_s, each)
        closed_s = nearest_rank([one.response_s for one in of_closed.exchanges], each)
        open_s = nearest_rank([one.response_s for one in exchanges], each)
        right &= is_within(open_s, true_s)
        print(
            f"p{each:g}: true {true_s * 1000:.1f} ms, open model {_beside(open_s, true_s)}, "
            f"closed model {_beside(closed_s, true_s)}, k6 {_beside(of_k6[each], true_s)}"
        )
    return right


def measure_punctuality(rate_per_s: int, seconds: int) -> bool:
    """Drive nginx at a rate; print how late requests were sent, tell whether few were."""
    with tempfile.TemporaryDirectory() as place, nginx(Path(place)) as target:
        recording = drive_profile("open", target.url, rate_per_s, seconds)
    exchanges = list(recording.exchanges)
    late_s = [each.sent_s - each.due_s for each in exchanges]
    share = share_within(late_s, PUNCTUAL_S)
    expected = rate_per_s * seconds
    print(
        f"{len(exchanges)} of {expected} arrivals sent; {share:.2%} within "
        f"{PUNCTUAL_S * 1000:g} ms of due (wanted {PUNCTUAL_SHARE:.0%}), "
        f"median {nearest_rank(late_s, 50) * 1000:.3f} ms, worst {max(late_s) * 1000:.3f} ms"
    )
    return share >= PUNCTUAL_SHARE and len(exchanges) == expected


def _beside(measured_s: float, true_s: float) -> str:
    return f"{measured_s * 1000:.1f} ms ({measured_s / true_s - 1:+.1%})"


def main() -> None:
    """Measure; what is not as it must be is the exit status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int)
    parser.add_argument("--punctual", action="store_true")
    asked = parser.parse_args()
    if asked.punctual:
        right = measure_punctuality(asked.rate or 1000, asked.seconds)
    else:
        right = measure_stalls(asked.rate or 200, asked.seconds)
    sys.exit(not right)


if __name__ == "__main__":
    main()
