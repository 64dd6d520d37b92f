"""Judge the scenario's own PromQL queries by their comparisons."""

import math
import operator
from collections.abc import Callable
from typing import Any

from checks.case import Case
from checks.judgement import Judgement
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from scenarios.evidence.files import read_json
from scenarios.language.objectives import PromqlCheck
from scenarios.language.promql_restriction import NOT_RESTRICTED

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def judge_promql(case: Case) -> Judgement:
    """Judge every query's values."""
    findings = []
    for number, check in enumerate(case.scenario.checks.promql):
        try:
            collected = read_json(case.folder.witnesses / f"promql-{number}.json")
        except (OSError, ValueError):
            collected = {"response": {"error": "Prometheus was not asked"}}
        findings.append(_finding(check, collected if isinstance(collected, dict) else {}))
    return Judgement(tuple(findings))


def _finding(check: PromqlCheck, collected: dict[str, Any]) -> Finding:
    response = collected.get("response", {})
    verdict, observed = _judge(check, response)
    warnings = response.get("warnings", [])
    # Prometheus warns where it could not read everything; a partial value proves nothing.
    if warnings:
        verdict = Verdict.INCONCLUSIVE
    is_restricted = collected.get("is_restricted", True)
    beyond = [] if is_restricted else [f"({NOT_RESTRICTED})"]
    detail = " ".join([collected.get("query", ""), *beyond, *map(str, warnings)])
    return Finding(
        finding_id("promql", check.name), check.name, Kind.PROMQL, verdict, check.expect, observed,
        detail,
    )  # fmt: skip


def _judge(check: PromqlCheck, response: dict[str, Any]) -> tuple[Verdict, str]:
    if "error" in response:
        return Verdict.INCONCLUSIVE, str(response["error"])
    try:
        data = response["data"]
        is_scalar = data["resultType"] == "scalar"
        pairs = [data["result"]] if is_scalar else [each["value"] for each in data["result"]]
        values = [float(value) for _, value in pairs]
    except (KeyError, TypeError, ValueError, IndexError):
        return (
            Verdict.INCONCLUSIVE,
            "the response is not a number; make the query an instant vector",
        )
    if not values:
        return Verdict(check.on_missing), "no data"
    sign, wanted = check.comparison()
    observed = ", ".join(f"{value:.6g}" for value in values[:10])
    if any(math.isnan(value) for value in values):
        return Verdict.INCONCLUSIVE, f"{observed}: not a number"
    holds = all(_COMPARE[sign](value, wanted) for value in values)
    return (Verdict.PASS if holds else Verdict.FAIL), observed
