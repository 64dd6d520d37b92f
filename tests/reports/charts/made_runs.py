"""Runs of any size whose evidence is written as numpy rows, with what is to be seen in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from checks.case import read_case
from checks.result import Result
from checks.suite import judge
from reports.charts.source import ChartSource
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.exchanges import CODES, ROW, Column
from scenarios.evidence.generator_health import HEALTH, HEALTH_ROW
from scenarios.evidence.recording import RecordingEnd, RecordingStart
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import (
    COUNTED_FLOW,
    EVERYTHING_IS_WELL,
    SHOP,
    STARTED_AT,
    Load,
    exposition,
    vector,
    write_expositions,
    write_health,
    write_prometheus,
    write_promql,
    write_rows,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample

ANCHOR_AT = STARTED_AT.timestamp()
BURST = "status 503, expected 200"
SCRAPE_S = 5.0

# the flow and the quantities of the other runs, under a load of any shape
SCENARIO = f"""{COUNTED_FLOW}profiles:
  load: PROFILE
checks:
  latency: [{{p95: 0.5s}}, {{step: use, p99: 1s}}]
  usage: [uses, visits]
  success_rate: 99%
"""


@dataclass(frozen=True)
class Shape:
    """A load at a rate, and what disturbs it; the instants are seconds since its start."""

    rate_per_s: float = 20.0
    duration_s: float = 300.0
    is_open: bool = True
    stall_at_s: float | None = None
    slow_s: tuple[float, float] | None = None
    burst_s: tuple[float, float] | None = None
    lost_from_s: float | None = None
    saturated_from_s: float | None = None
    dropped_s: tuple[float, float] | None = None
    starved_s: tuple[float, float] | None = None
    begin_s: float = 0.0
    warm_up_s: float = 0.0

    @property
    def profile(self) -> str:
        """The profile in the scenario."""
        if self.is_open:
            warm_up = f", warm_up: {self.warm_up_s:g}s" if self.warm_up_s else ""
            return (f"{{rate: {self.rate_per_s:g}/s, duration: {self.duration_s:g}s, "
                    f"max_users: 90{warm_up}}}")  # fmt: skip
        return f"{{users: 10, duration: {self.duration_s:g}s}}"


def make_rows(shape: Shape) -> Column:
    """Return the rows of two steps per iteration, in the order of the iterations."""
    random = np.random.default_rng(7)
    due_s = np.arange(round(shape.rate_per_s * shape.duration_s)) / shape.rate_per_s
    if shape.dropped_s:
        due_s = due_s[(due_s < shape.dropped_s[0]) | (due_s >= shape.dropped_s[1])]
    count = len(due_s)
    lag_s = np.abs(random.normal(0, 0.0005, count))
    if shape.saturated_from_s is not None:
        lag_s += 0.05 * np.maximum(0.0, due_s - shape.saturated_from_s)
    open_s, use_s = (scale * random.lognormal(0, 0.25, count) for scale in (0.04, 0.12))
    for slow in filter(None, (shape.slow_s, shape.starved_s)):
        use_s[(due_s >= slow[0]) & (due_s < slow[1])] *= 6
    rows = np.zeros((count, 2), ROW)
    rows["iteration"] = np.arange(1, count + 1)[:, None]
    rows["step"], rows["outcome"], rows["status"] = [0, 1], CODES[Outcome.OK], 200
    rows["due_s"][:, 0], rows["sent_s"][:, 0] = due_s, due_s + lag_s
    rows["done_s"][:, 0] = _stalled(shape, due_s + lag_s, open_s)
    rows["due_s"][:, 1] = rows["sent_s"][:, 1] = rows["done_s"][:, 0]
    rows["done_s"][:, 1] = _stalled(shape, rows["sent_s"][:, 1], use_s)
    if shape.burst_s:
        sent_s = rows["sent_s"][:, 1]
        refused = (sent_s >= shape.burst_s[0]) & (sent_s < shape.burst_s[1])
        rows["outcome"][refused, 1], rows["status"][refused, 1] = CODES[Outcome.REJECTED], 503
        rows["reason"][refused, 1] = 1
        rows["done_s"][refused, 1] = sent_s[refused] + 0.003
    completes = rows["outcome"][:, 1] == CODES[Outcome.OK]
    rows["marks"][completes, 1] = Mark.ITERATION
    for name in ("due_s", "sent_s", "done_s"):
        rows[name] += shape.begin_s
    return rows.reshape(-1)


def _stalled(shape: Shape, sent_s: Column, service_s: Column) -> Column:
    """Return when requests end: those in a stall of 2 s wait for its end."""
    done_s = sent_s + service_s
    if shape.stall_at_s is None:
        return done_s
    end_s = shape.stall_at_s + 2.0
    waits = (done_s > shape.stall_at_s) & (sent_s < end_s)
    stalled: Column = np.where(waits, np.maximum(done_s, end_s), done_s)
    return stalled


def write_exchanges(
    folder: RunFolder, rows: Column, steps: Sequence[str], reasons: Sequence[str] = (BURST,),
    dropped: int = 0, begin_s: float = 0.0, warm_up_s: float = 0.0,
) -> None:  # fmt: skip
    """Write one recording of the profile `load`."""
    notes = [
        {"kind": "start", **asdict(RecordingStart(
            "load", "load", 90, None, ANCHOR_AT, tuple(steps), warm_up_s))},
        *({"kind": "reason", "number": number, "text": text, "group": text}
          for number, text in enumerate(reasons, 1)),
        {"kind": "end", "rows": len(rows), **asdict(RecordingEnd(
            len(np.unique(rows["iteration"])), dropped, 1.0,
            float(rows["done_s"].max(initial=1.0)), 0.01, window_from_s=begin_s + warm_up_s))},
    ]  # fmt: skip
    stem = folder.exchanges / "load"
    stem.with_suffix(".rows").write_bytes(rows.tobytes())
    stem.with_suffix(".jsonl").write_text("".join(json.dumps(each) + "\n" for each in notes))


def make_run(place: Path, shape: Shape = Shape()) -> RunFolder:
    """Write a run of a shape with witnesses that all agree, but for what a counter loses."""
    place.mkdir(parents=True, exist_ok=True)
    scenario = SCENARIO.replace("PROFILE", shape.profile)
    folder = write_run(place, Load((), scheduled=None), scenario=scenario)
    rows = make_rows(shape)
    due = round(shape.rate_per_s * shape.duration_s)
    write_exchanges(folder, rows, ("open", "use"), dropped=due - len(rows) // 2,
                    begin_s=shape.begin_s, warm_up_s=shape.warm_up_s)  # fmt: skip
    write_generator_health(folder, shape)
    write_witnesses(folder, rows, shape)
    return folder


def write_generator_health(folder: RunFolder, shape: Shape) -> None:
    """Write a generator that is busy, and whose loop is late, from when it is saturated.

    One that is starved by other processes is late, and uses little CPU.
    """
    seconds = np.arange(int(shape.duration_s))
    is_busy = seconds >= (np.inf if shape.saturated_from_s is None else shape.saturated_from_s)
    health = np.zeros(len(seconds), HEALTH_ROW)
    health["from_s"], health["to_s"] = seconds, seconds + 1.0
    health["cpu_s"], health["in_flight"] = np.where(is_busy, 0.99, 0.2), 4
    health["loop_delay_s"] = np.where(is_busy, 0.7, 0.003)
    begin_s, end_s = shape.starved_s or (np.inf, np.inf)
    health["loop_delay_s"][(seconds >= begin_s) & (seconds < end_s)] = 0.2
    (folder.exchanges / f"load{HEALTH}").write_bytes(health.tobytes())


def write_witnesses(folder: RunFolder, rows: Column, shape: Shape) -> None:
    """Write a Prometheus that scraped every 5 s, and the others before and after."""
    ok = rows["outcome"] == CODES[Outcome.OK]
    done_s = {step: np.sort(rows["done_s"][ok & (rows["step"] == step)]) for step in (0, 1)}
    end_s = float(rows["done_s"].max())
    scrapes_s = np.arange(-20.0, end_s + 26.0, SCRAPE_S) + 0.2
    is_lost = np.arange(len(done_s[1])) % 50 == 0
    is_lost &= done_s[1] >= (np.inf if shape.lost_from_s is None else shape.lost_from_s)

    def counted(times_s: Column, amount: int = 1) -> list[Sample]:
        counts = amount * np.searchsorted(times_s, scrapes_s - 0.01, side="right")
        return [(ANCHOR_AT + at, float(n)) for at, n in zip(scrapes_s, counts, strict=True)]

    kept = done_s[1][~is_lost]
    series: dict[str, list[tuple[Mapping[str, str], Sequence[Sample]]]] = {
        "uses": [({"kind": "tea"}, counted(kept)), ({"kind": "coffee"}, counted(done_s[1], 2))],
        "visits": [({}, counted(done_s[0]))],
    }
    always = [(ANCHOR_AT + at, 1.0) for at in scrapes_s]
    record = CollectionRecord(False, ANCHOR_AT - 1, ANCHOR_AT + end_s,
                              ANCHOR_AT + float(scrapes_s[-1]) + 1, 0.0, SCRAPE_S)  # fmt: skip
    started = [(at, ANCHOR_AT - 500.0) for at, _ in always]
    write_prometheus(folder, series, ups={SHOP: always}, start_times={SHOP: started},
                     collection=record)  # fmt: skip
    uses, visits = {"tea": len(kept), "coffee": 2 * len(done_s[1])}, len(done_s[0])
    for moment in ("before", "after"):
        write_health(folder, moment, {"shop": EVERYTHING_IS_WELL})
    write_expositions(folder, "before", {"shop-0": exposition({})})
    write_expositions(folder, "after", {"shop-0": exposition(uses, visits=visits)})
    stored = {"tea": len(done_s[1]), "coffee": 2 * len(done_s[1])}
    write_rows(folder, "before", {"uses": {"rows": []}})
    write_rows(folder, "after", {"uses": {"rows": [list(each) for each in stored.items()]}})
    write_promql(folder, {"query": "errors_total", "response": vector(2.0)})


def judged(folder: RunFolder) -> Result:
    """Judge a run."""
    return judge(folder)


def source_of(place: Path, shape: Shape = Shape()) -> ChartSource:
    """Make a run, judge it, and read it for the charts."""
    folder = make_run(place, shape)
    return ChartSource(read_case(folder), judge(folder))
