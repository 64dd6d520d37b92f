"""Were the services well, before the first request and after the last answer?"""

import json
from typing import Any

import httpx

from checks.case import Case
from checks.result import Finding, Judgement, Kind
from checks.verdict import Verdict
from config.environment import Environment
from scenarios.evidence import RunFolder

BEFORE, AFTER = "before", "after"

_TIMEOUT_S = 5.0
_HEAD = 200


def take_health(environment: Environment, moment: str, folder: RunFolder) -> bool:
    """Ask every service for its health, keep the answers, and tell whether all are well."""
    answers = {}
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for name, service in environment.services.items():
            answers[name] = _take(client, service.url + service.health)
    folder.write_answer(f"health-{moment}.json", json.dumps(answers, indent=1).encode())
    return all(answer["status"] == httpx.codes.OK for answer in answers.values())


def judge_health(case: Case) -> Judgement:
    """Judge each service's health at both moments."""
    return Judgement(
        tuple(
            _finding(name, moment, answers.get(name))
            for moment in (BEFORE, AFTER)
            for answers in [_read(case.folder, moment)]
            for name in case.run.services
        )
    )


def _take(client: httpx.Client, url: str) -> dict[str, Any]:
    try:
        answer = client.get(url)
    except httpx.HTTPError as error:
        words = str(error) or type(error).__name__
        return {"url": url, "status": None, "said": words}
    return {"url": url, "status": answer.status_code, "said": answer.text[:_HEAD]}


def _read(folder: RunFolder, moment: str) -> dict[str, Any]:
    try:
        content = json.loads((folder.witnesses / f"health-{moment}.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _finding(name: str, moment: str, answer: dict[str, Any] | None) -> Finding:
    check, expected = f"health of {name} {moment}", "status 200"
    if answer is None:
        observed = "it was not asked"
        return Finding(check, Kind.HEALTH, Verdict.INCONCLUSIVE, expected, observed)
    if answer["status"] == httpx.codes.OK:
        return Finding(check, Kind.HEALTH, Verdict.PASS, expected, "status 200")
    status = answer["status"]
    observed = f"status {status}" if status else f"no answer: {answer['said']}"
    return Finding(check, Kind.HEALTH, Verdict.FAIL, expected, observed, f"{answer['url']}.")
