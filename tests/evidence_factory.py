"""A run's evidence on disk, written by the harness' own writers, and ways to spoil it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.case import Case, read_case
from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.manifest import write_manifest
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.run_folder import (
    Cause,
    DrivenPhase,
    Interruption,
    LostPart,
    Run,
    RunFolder,
    Stage,
    create_run_folder,
)
from scenarios.http.streams import Stream
from witnesses.health.status import EndpointResponse, ServiceStatus, statuses_json
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample
from witnesses.service.single_process import RepeatedScrapes

RUN_ID = "20261122-175000-7f3a"
STARTED_AT = datetime(2026, 11, 22, 17, 50, tzinfo=UTC)
BEGIN, END, READ_AT = 1_000.0, 1_060.0, 1_090.0
SHOP = ("shop", "shop:80")
EVERYTHING_IS_WELL = ServiceStatus(EndpointResponse("http://shop.example/health", 200, "ok"))

STOPPED = Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT")

ONE_PROCESS = RepeatedScrapes(20, (500.0,))

COUNTED_FLOW = """
scenario: shop
quantities:
  uses:
    by: [kind]
    in_doubt: 100%
    prometheus: uses_total{tenant="{{ tenant }}"}
    database: {main: "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind"}
  visits:
    prometheus: visits_total
    shared: true
flow:
  - step: open
    request: POST shop /open
    counts: {visits: 1}
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 1, coffee: 2}}
"""
SCENARIO = f"""{COUNTED_FLOW}profiles:
  load: {{users: 1, iterations: 4}}
  while: {{users: 1, duration: 1s}}
checks:
  latency: [{{p95: 2.5s}}, {{step: iteration, p50: 3s}}]
  usage: [uses, visits]
  success_rate: 75%
  promql:
    - {{name: few errors, query: "errors_total", expect: "<= 3"}}
"""


@dataclass(frozen=True)
class Made:
    """One exchange to record; it lasts `duration_s`. `concluded` False leaves the intent alone."""

    step: str
    outcome: Outcome = Outcome.OK
    status: int | None = 200
    reason: str = ""
    duration_s: float = 0.1
    detail: dict[str, Any] | None = None
    concluded: bool = True
    marks: int = 0
    group: str = ""
    stream: Stream | None = None


GOOD = (Made("open"), Made("use"))
REFUSED = (Made("open"), Made("use", Outcome.REJECTED, 409, "status 409, expected 200"))
TIMED_OUT = (Made("open"), Made("use", Outcome.UNKNOWN, None, "read timeout"))
NOT_SENT = (Made("open", Outcome.NOT_SENT, None, "could not connect"),)


@dataclass(frozen=True)
class Load:
    """What one generator did: its iterations, and how it ended (None: it was killed)."""

    iterations: Sequence[Sequence[Made]] = (GOOD,) * 4
    profile: str = "load"
    scheduled: int | None = 4
    end: RecordingEnd | None = field(default_factory=lambda: RecordingEnd(4, 0, 0.1, 1.0, 0.01))
    error: str = ""


def write_run(
    place: Path, *loads: Load, scenario: str = SCENARIO, services: Sequence[str] = ("shop",),
    interruption: Interruption | None = None, finished: bool = True, exclusive: bool = True,
    headers: Mapping[str, str] | None = None, lost: Sequence[LostPart] = (),
) -> RunFolder:  # fmt: skip
    """Write a run that was driven, without any witness."""
    (place / "scenario.yaml").write_text(scenario, encoding="utf-8")
    (place / "environment.yaml").write_text("environment: test", encoding="utf-8")
    folder = create_run_folder(
        place / "runs", RUN_ID, place / "scenario.yaml", place / "environment.yaml"
    )
    for load in loads:
        record(folder, load)
    finished_at = STARTED_AT + timedelta(minutes=1)
    folder.write_run(
        Run(
            run_id=RUN_ID,
            environment="test",
            scenario="shop",
            scenario_sha256="51d0" * 16,
            tenant="acme",
            exclusive=exclusive,
            services={name: f"http://{name}.example" for name in services},
            headers={name: dict(headers or {}) for name in services},
            started_at=STARTED_AT,
            repeat="run it again",
            versions={"trial-balance": "0.1.0"},
            finished_at=finished_at if finished else None,
            interruption=interruption,
            lost=tuple(lost),
            profiles=tuple(each.profile for each in loads),
            phases=tuple(
                DrivenPhase(each.profile, each.profile, STARTED_AT, finished_at, each.error)
                for each in loads
            ),
        )
    )
    return folder


def record(folder: RunFolder, load: Load) -> None:
    """Write one generator's recording, each iteration due a second after the one before."""
    path = folder.exchanges / f"{load.profile}.jsonl"
    steps = tuple(dict.fromkeys(made.step for each in load.iterations for made in each))
    recorder = Recorder(path, load.profile, load.profile, 1, load.scheduled, steps)
    for number, iteration in enumerate(load.iterations, start=1):
        due_s = float(number)
        completes = len(iteration) == len(steps)
        for place, made in enumerate(iteration, start=1):
            completes &= made.concluded and made.outcome is Outcome.OK
            sequence = recorder.intend(number, steps.index(made.step), due_s)
            done_s = due_s + made.duration_s
            is_end = completes and place == len(iteration)
            if made.concluded:
                recorder.conclude(
                    sequence, due_s, done_s, made.outcome, made.status, made.reason, made.detail,
                    marks=made.marks | (Mark.ITERATION if is_end else 0),
                    group=made.group,
                )  # fmt: skip
            if made.stream:
                recorder.note_stream(sequence, made.stream)
            due_s = done_s
    if load.end:
        recorder.end(load.end)
    else:
        recorder.close()


def case_of(place: Path, *loads: Load, **changes: Any) -> Case:
    """Write a run without witnesses, and read it."""
    return read_case(write_run(place, *loads, **changes))


def write_agreeing_witnesses(
    folder: RunFolder, iterations: int = 4, visits: int | None = None
) -> None:
    """Write witnesses that all say what so many good iterations must have moved.

    `visits` is how many iterations counted a visit, if more than those did.
    """
    uses = {"tea": iterations, "coffee": 2 * iterations}
    visits = iterations if visits is None else visits
    for moment in ("before", "after"):
        write_health(folder, moment, {"shop": EVERYTHING_IS_WELL})
    write_expositions(folder, "before", {"shop-0": exposition({})})
    write_expositions(folder, "after", {"shop-0": exposition(uses, visits)})
    write_rows(folder, "before", {"uses": {"rows": []}})
    write_rows(folder, "after", {"uses": {"rows": [[kind, n] for kind, n in uses.items()]}})
    series: dict[str, list[tuple[Mapping[str, str], Sequence[Sample]]]] = {
        "uses": [({"kind": kind}, settled(0, total)) for kind, total in uses.items()],
        "visits": [({}, settled(0, visits))],
    }
    write_prometheus(folder, series)
    write_promql(folder, {"query": "errors_total", "response": vector(2.0)})


def sealed(place: Path) -> RunFolder:
    """Write a run whose witnesses agree, with the manifest of its evidence."""
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    folder.write_run(replace(folder.read_run(), has_manifest=True))
    write_manifest(folder)
    return folder


def write_health(folder: RunFolder, moment: str, reached: Mapping[str, ServiceStatus]) -> None:
    folder.write_witness_file(f"health-{moment}.json", statuses_json(reached))


def write_promql(folder: RunFolder, asked: Mapping[str, Any], number: int = 0) -> None:
    folder.write_witness_file(f"promql-{number}.json", json.dumps(asked).encode())


def vector(*values: float | str, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Make Prometheus' answer to an instant query."""
    result = [{"metric": {"n": str(n)}, "value": [READ_AT, str(v)]} for n, v in enumerate(values)]
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return {**answer, "warnings": list(warnings)} if warnings else answer


def exposition(
    uses: Mapping[str, float], visits: float | None = None, start_time: float | None = 500.0,
    declared: bool = True,
) -> str:  # fmt: skip
    """Write a service's metrics in the text format."""
    lines = ["# TYPE up_since gauge", "up_since 1.0"]
    if start_time is not None:
        lines += [
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {start_time}",
        ]
    if declared:
        lines += ["# TYPE uses_total counter", "# TYPE visits_total counter"]
    lines += [f'uses_total{{tenant="acme",kind="{kind}"}} {n}' for kind, n in uses.items()]
    lines += [] if visits is None else [f"visits_total {visits}"]
    return "\n".join(lines) + "\n"


def write_expositions(
    folder: RunFolder,
    moment: str,
    texts: Mapping[str, str],
    errors: Mapping[str, str] = {},
    scrapes: RepeatedScrapes = ONE_PROCESS,
    asked_at: float = 0.0,
) -> None:
    """Write what replicas said at a moment, and why others did not."""
    index = {
        name: {
            "service": "shop",
            "job": "shop",
            "url": f"http://{name}.example",
            "error": errors.get(name, ""),
            "asked_at": asked_at,
            "skew_s": 0.0,
            "scrapes": asdict(scrapes),
        }
        for name in (*texts, *errors)
    }
    for name, text in texts.items():
        folder.write_witness_file(f"service/{moment}/{name}.txt", text.encode())
    folder.write_witness_file(f"service/{moment}/index.json", json.dumps(index).encode())


def write_rows(folder: RunFolder, moment: str, answers: Mapping[str, Any]) -> None:
    """Write the answers of the database `main`, by quantity."""
    write_rows_by_store(folder, moment, {name: {"main": each} for name, each in answers.items()})


def write_rows_by_store(folder: RunFolder, moment: str, results: Mapping[str, Any]) -> None:
    """Write the results of databases and their stores, by quantity and store."""
    folder.write_witness_file(f"database/{moment}.json", json.dumps(results).encode())


def settled(before: float, after: float) -> list[Sample]:
    """Make samples that stand still before the first request and after the last answer."""
    still = [(BEGIN - 20, before), (BEGIN - 10, before)]
    return [*still, *((END + seconds, after) for seconds in (5, 10, 15))]


def write_prometheus(
    folder: RunFolder,
    quantities: Mapping[str, Iterable[tuple[Mapping[str, str], Sequence[Sample]]]],
    *,
    ups: Mapping[tuple[str, str], Sequence[Sample]] | None = None,
    start_times: Mapping[tuple[str, str], Sequence[Sample]] | None = None,
    collection: CollectionRecord | None = None,
) -> None:
    """Write what Prometheus answered; a series is scraped from the shop unless it says."""
    taken = collection or CollectionRecord(False, BEGIN, END, READ_AT, 0.001, 5.0)
    scraped = ups if ups is not None else {SHOP: settled(1.0, 1.0)}
    started = start_times if start_times is not None else {SHOP: settled(500.0, 500.0)}
    _write_matrix(folder, "up", [(_of(target), samples) for target, samples in scraped.items()])
    _write_matrix(
        folder, "start_times", [(_of(target), samples) for target, samples in started.items()]
    )
    for name, series in quantities.items():
        labelled = [({**_of(SHOP), **labels}, samples) for labels, samples in series]
        _write_matrix(folder, f"quantity-{name}", labelled)
    folder.write_witness_file("prometheus/collection.json", json.dumps(asdict(taken)).encode())


def _of(target: tuple[str, str]) -> dict[str, str]:
    return {"job": target[0], "instance": target[1]}


def _write_matrix(
    folder: RunFolder, name: str, series: Iterable[tuple[Mapping[str, str], Sequence[Sample]]]
) -> None:
    result = [
        {"metric": dict(labels), "values": [[at, str(value)] for at, value in samples]}
        for labels, samples in series
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    folder.write_witness_file(f"prometheus/{name}.json", json.dumps(answer).encode())


def anchor(folder: RunFolder, at: float, profile: str = "load") -> None:
    """Have a recording begin at an instant of our choice, in epoch seconds."""
    path = folder.exchanges / f"{profile}.jsonl"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    start = json.dumps({**json.loads(first), "anchor_at": at})
    path.write_text("\n".join([start, *rest, ""]), encoding="utf-8")
