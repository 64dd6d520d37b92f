"""Does what Prometheus computes hold? The scenario's own queries and comparisons."""

import json
import math
import operator
from collections.abc import Callable
from typing import Any

from checks.case import Case
from checks.result import Finding, Judgement, Kind
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import PromqlCheck, Scenario
from scenarios.language.templates import compile_text
from witnesses.prometheus.client import PrometheusDown
from witnesses.prometheus.witness import PrometheusWitness

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def take_promql(
    scenario: Scenario, witness: PrometheusWitness, tenant: str, folder: RunFolder
) -> None:
    """Evaluate every query once, over the window of the run, and keep the answers verbatim."""
    variables = {"tenant": tenant, "window": witness.reading.window}
    for number, check in enumerate(scenario.checks.promql):
        query = compile_text(check.query)(variables)
        try:
            answer: dict[str, Any] = json.loads(witness.ask(query))
        except PrometheusDown as error:
            answer = {"trouble": str(error)}
        content = json.dumps({"query": query, "answer": answer}, indent=1)
        folder.write_answer(f"promql-{number}.json", content.encode())


def judge_promql(case: Case) -> Judgement:
    """Judge every query's values."""
    checks = enumerate(case.scenario.checks.promql)
    return Judgement(tuple(_finding(check, _read(case, number)) for number, check in checks))


def _read(case: Case, number: int) -> dict[str, Any]:
    try:
        content = json.loads((case.folder.witnesses / f"promql-{number}.json").read_bytes())
    except (OSError, ValueError):
        return {"answer": {"trouble": "Prometheus was not asked"}}
    return content if isinstance(content, dict) else {}


def _finding(check: PromqlCheck, asked: dict[str, Any]) -> Finding:
    answer = asked.get("answer", {})
    verdict, observed = _judge(check, answer)
    warnings = answer.get("warnings", [])
    if warnings:
        verdict = Verdict.INCONCLUSIVE
    detail = " ".join([asked.get("query", ""), *map(str, warnings)])
    return Finding(check.name, Kind.PROMQL, verdict, check.expect, observed, detail)


def _judge(check: PromqlCheck, answer: dict[str, Any]) -> tuple[Verdict, str]:
    if "trouble" in answer:
        return Verdict.INCONCLUSIVE, answer["trouble"]
    try:
        values = _values(answer["data"])
    except (KeyError, TypeError, ValueError, IndexError):
        return Verdict.INCONCLUSIVE, "the answer is not a number; make the query an instant vector"
    if not values:
        return Verdict(check.on_missing), "no data"
    sign, wanted = check.comparison()
    observed = ", ".join(f"{value:.6g}" for value in values[:10])
    if any(math.isnan(value) for value in values):
        return Verdict.INCONCLUSIVE, f"{observed}: not a number"
    holds = all(_COMPARE[sign](value, wanted) for value in values)
    return (Verdict.PASS if holds else Verdict.FAIL), observed


def _values(data: dict[str, Any]) -> list[float]:
    if data["resultType"] == "scalar":
        return [float(data["result"][1])]
    return [float(each["value"][1]) for each in data["result"]]
