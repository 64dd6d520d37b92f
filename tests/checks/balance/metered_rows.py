"""The judged rows of runs whose client amounts come from responses, by customer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import UsageRow
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.messages import Response
from tests import evidence_factory as make
from tests.metered_run import write_metered_run


def rows_of(
    place: Path, answers: Sequence[Response | BaseException], stored: Mapping[str, float], *,
    traces: Sequence[Sequence[object]] | None = None,
    before: Mapping[str, float] | None = None, **step: object,
) -> dict[str, UsageRow]:  # fmt: skip
    """Write a run of a metered step, with a database that stored these amounts; judge it."""
    return judge_stored(write_metered_run(place, answers, **step), stored, traces, before or {})


def judge_stored(
    folder: RunFolder,
    stored: Mapping[str, float],
    traces: Sequence[Sequence[object]] | None = None,
    before: Mapping[str, float] = {},
) -> dict[str, UsageRow]:
    """Judge a run with a database that stored these amounts; a trace may be a request's number."""
    for moment, amounts in (("before", before), ("after", stored)):
        rows = [[customer, amount] for customer, amount in amounts.items()]
        make.write_rows(folder, moment, {"tokens": {"rows": rows}})
    if traces is not None:
        ids = [f"{make.RUN_ID}-load-{number}" if isinstance(number, int) else number
               for number, *_ in traces]  # fmt: skip
        lines = "".join(json.dumps([trace, *rest]) + "\n"
                        for trace, (_, *rest) in zip(ids, traces, strict=True))  # fmt: skip
        folder.write_witness_file("database/traces-tokens.jsonl", lines.encode())
        folder.write_witness_file("database/traces.json", json.dumps({"tokens": ""}).encode())
    return {row.labels["customer"]: row for row in judge_usage(read_case(folder)).usage}
