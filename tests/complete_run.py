"""A small run that passes, with evidence of every kind, and with failures within its objective."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from checks.case import read_case
from commands.shared.conclusion import finish
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Outcome, trace_id
from scenarios.evidence.generator_health import HealthRow
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.messages import Response, ResponseLost
from scenarios.http.streams import Event, Stream, StreamEnd
from tests import evidence_factory as make
from tests.scenarios.evidence.metered import spent
from tests.scenarios.shop_scenario import ENVIRONMENT, Script, answered
from tests.witnesses.service.test_durations import page

_SCENARIO = """
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
  tokens:
    by: [customer]
    resolution: 0.001
    database: {main: "SELECT customer, sum(tokens) FROM usage GROUP BY customer"}
    traces: {main: "SELECT trace, customer, tokens FROM usage"}
  weight:
    resolution: 0.5
    in_doubt: 100%
    database: {main: "SELECT sum(weight) FROM uses WHERE tenant = :tenant"}
flow:
  - step: open
    request: POST shop /open
    counts: {visits: 1}
  - step: use
    request: POST shop /use
    counts: {uses: {tea: 1, coffee: 2}, weight: 2.5}
  - step: ask
    request: POST shop /answers
    save: {customer: customer, spent: spent}
    counts: {tokens: {"{{ customer }}": "{{ spent }}"}}
  - step: listen
    request: GET shop /events
    stream: sse
profiles:
  e2e: {users: 1, iterations: 1}
  load: {users: 2, iterations: 6}
checks:
  latency: [{p95: 2.5s}, {step: iteration, p50: 3s}, {step: "listen: first event", p95: 3s}]
  usage: [uses, visits, tokens, weight]
  success_rate: 50%
  promql:
    - {name: few errors, query: "errors_total", expect: "<= 3"}
"""
_DONE = answered(200, "application/json", b"{}")
_EVENTS = replace(
    answered(200, "text/event-stream", b"data: a\n\n"),
    stream=Stream((Event("a"), Event("b")), StreamEnd.ENDED, 0.25, 0.5),
)
_GOOD = (_DONE, _DONE, spent("acme", "1.5"), _EVENTS)
_REFUSED = (_DONE, answered(409, "application/json", b'{"error": "sold out"}'))
_LOST = (_DONE, ResponseLost("read timeout"))
# generators with the answers of their iterations
_DRIVEN: Mapping[str, Sequence[Sequence[Response | ResponseLost]]] = {
    "e2e": [_GOOD],
    "load-w1": [_GOOD, _REFUSED, _GOOD, _LOST],
    "load-w2": [_GOOD, _GOOD],
}


def write_complete_run(place: Path) -> RunFolder:
    """Write the run as its commands leave it, but for the result."""
    phases = [make.Load((), name) for name in ("e2e", "load")]
    folder = make.write_run(place, *phases, scenario=_SCENARIO)
    for file in folder.exchanges.iterdir():
        file.unlink()
    for generator, answers in _DRIVEN.items():
        _drive(folder, generator, answers)
    _write_witnesses(folder)
    finish(folder, folder.read_run())
    return folder


def _drive(
    folder: RunFolder, generator: str, answers: Sequence[Sequence[Response | ResponseLost]]
) -> None:
    scenario, profile = folder.read_scenario(), generator.partition("-")[0]
    flow = compile_flow(scenario, ENVIRONMENT, make.RUN_ID, "acme")
    count, path = len(answers), folder.exchanges / f"{generator}.jsonl"
    recorder = Recorder(path, generator, profile, 1, count, flow.step_names)
    for number, of_iteration in enumerate(answers, start=1):
        run_iteration(flow, number, recorder.now_s(), Script(*of_iteration), recorder)
    recorder.health.append(HealthRow(0.0, 1.0, 0.1, 0.001, 1))
    recorder.health.append(HealthRow(1.0, 2.0, 0.2, 0.002, 1))
    recorder.end(RecordingEnd(count, 0, 0.3, 2.0, 0.002, 80_000_000))


def _write_witnesses(folder: RunFolder) -> None:
    traces = list(_traces(folder))
    good, visits = len(traces), sum(len(answers) for answers in _DRIVEN.values())
    uses = {"tea": good, "coffee": 2 * good}
    make.write_agreeing_witnesses(folder, good, visits)
    served = page(('method="POST",path="/use",', (good, good, good)))
    make.write_expositions(
        folder, "after", {"shop-0": make.exposition(uses, visits) + served.partition("500.0\n")[2]}
    )
    rows: dict[str, list[Sequence[object]]] = {
        "uses": list(uses.items()), "tokens": [["acme", 1.5 * good]], "weight": [[2.5 * good]]
    }  # fmt: skip
    make.write_rows(folder, "before", {name: {"rows": [[0]] * (name == "weight")} for name in rows})
    make.write_rows(folder, "after", {name: {"rows": each} for name, each in rows.items()})
    folder.write_witness_file("database/traces.json", b'{"tokens": ""}')
    lines = [json.dumps([trace, "acme", 1.5]).encode() + b"\n" for trace in traces]
    folder.write_witness_lines("database/traces-tokens.jsonl", lines)


def _traces(folder: RunFolder) -> Iterator[str]:
    """Yield the trace ids of the requests that were metered."""
    for recording in read_case(folder).recordings:
        for each in recording.exchanges:
            if each.step == "ask" and each.outcome is Outcome.OK:
                yield trace_id(make.RUN_ID, recording.start.generator, each.sequence)
