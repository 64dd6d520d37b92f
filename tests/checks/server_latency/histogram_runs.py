"""Runs whose service keeps a histogram of its durations, and how they are judged."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from checks.case import Case, read_case
from checks.judgement import Judgement
from checks.result import Finding
from checks.server_latency.judge import judge_server_latency
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import (
    BEGIN,
    END,
    READ_AT,
    Load,
    Made,
    settled,
    write_expositions,
    write_prometheus,
    write_run,
)
from tests.witnesses.service.test_durations import page
from witnesses.prometheus.collection import CollectionRecord

SCENARIO = """
scenario: shop
flow:
  - {{step: use, request: POST shop /use, timeout: 3s}}
  - {{step: rest, request: POST shop /rest}}
profiles:
  warm: {{users: 1, iterations: 40}}
  load: {{users: 1, iterations: 40}}
checks:
  success_rate: 0%
  server_latency: [{objective}]
"""
TENANT = 'tenant="acme",'
HISTOGRAM = """histogram: 'took_seconds{tenant="{{ tenant }}"}'"""
OBJECTIVE = f"{{step: use, {HISTOGRAM}, p95: 2.5s}}"
WITHOUT_STEP = f"{{{HISTOGRAM}, p95: 2.5s}}"

SERVED = Made("use", duration_s=0.2)
SLOW = Made("use", duration_s=3.0)
REFUSED = Made("use", Outcome.REJECTED, 503, "status 503")
TIMED_OUT = Made("use", Outcome.UNKNOWN, None, "read timeout", duration_s=3.0)

Counts = Sequence[float]


def case_of(
    place: Path, made: Sequence[Made], after: str | Mapping[str, str], *,
    before: str | Mapping[str, str] | None = None, objective: str = OBJECTIVE,
    warm: Sequence[Made] = (), prometheus: Mapping[str, Counts] | None = None, **changes: Any,
) -> Case:  # fmt: skip
    """Write a run of such requests; `prometheus` are the increases by the labels of a series."""
    place.mkdir(exist_ok=True)
    loads = [Load([[each] for each in requests], profile, len(requests))
             for profile, requests in (("warm", warm), ("load", made)) if requests]  # fmt: skip
    folder = write_run(place, *loads, scenario=SCENARIO.format(objective=objective), **changes)
    pages = {"shop-0": after} if isinstance(after, str) else after
    start = before or {name: page() for name in pages}
    write_expositions(folder, "before", {"shop-0": start} if isinstance(start, str) else start)
    write_expositions(folder, "after", pages)
    if prometheus is not None:
        series = [
            ({"__name__": "took_seconds_bucket", "le": edge, "tenant": "acme"}, settled(*grown))
            for edge, grown in prometheus.items()
        ]
        record = CollectionRecord(False, BEGIN, END, READ_AT, 0.001, 5.0, jobs={"shop": "shop"})
        write_prometheus(folder, {"server_latency.0": series}, collection=record)
    return read_case(folder)


def with_native(
    place: Path, made: Sequence[Made], *grown: tuple[str, str, int], per_edge: int = 0
) -> Case:
    """Write a run of which Prometheus has a native histogram that grew by such buckets."""
    case = case_of(place, made, page((TENANT, (per_edge,) * 3)), prometheus={})
    samples = [
        [at, {"count": str(sum(n for *_, n in grown) if at > END else 0), "sum": "1",
              "buckets": [[0, *edges, str(n)] for *edges, n in (grown if at > END else ())]}]
        for at, _ in settled(0, 1)
    ]  # fmt: skip
    labels = {"__name__": "took_seconds", "job": "shop", "instance": "shop:80", "tenant": "acme"}
    result = [{"metric": labels, "histograms": samples}]
    response = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    name = "prometheus/quantity-server_latency.0.native.json"
    case.folder.write_witness_file(name, json.dumps(response).encode())
    return read_case(case.folder)


def judged(place: Path, *arguments: Any, **keywords: Any) -> Judgement:
    """Judge the run."""
    return judge_server_latency(case_of(place, *arguments, **keywords))


def finding_of(place: Path, *arguments: Any, **keywords: Any) -> Finding:
    """Return the only finding of a run."""
    (finding,) = judged(place, *arguments, **keywords).findings
    return finding


def verdict_of(place: Path, *arguments: Any, **keywords: Any) -> Verdict:
    """Return the verdict of the only finding of a run."""
    return finding_of(place, *arguments, **keywords).verdict
