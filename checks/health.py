"""Were the services well, before the first request and after the last answer?"""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx

from checks.case import Case
from checks.result import Finding, Judgement, Kind
from checks.verdict import Verdict
from config.environment import Environment
from scenarios.evidence.run_folder import RunFolder
from witnesses.health.status import Reached, Said, ask_services, parse_reached, reached_json

BEFORE, AFTER = "before", "after"

_MAX_CLOCK_SKEW_S = 2.0
_DAY_S = 86_400.0
_SOON_S = 14 * _DAY_S
_REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


def take_health(environment: Environment, tenant: str, moment: str, folder: RunFolder) -> bool:
    """Ask every service how it is, keep the answers, and tell whether it makes sense to go on."""
    reached = ask_services(environment, tenant)
    folder.write_answer(f"health-{moment}.json", reached_json(reached))
    return all(
        finding.verdict is Verdict.PASS
        for name, each in reached.items()
        for finding in (_health(name, each, ""), *_answers(name, each))
    )


def judge_health(case: Case) -> Judgement:
    """Judge each service's health at both moments, and before the run what else it said."""
    before, after = _read(case.folder, BEFORE), _read(case.folder, AFTER)
    return Judgement((
        *(each for name in case.run.services for each in _before(name, before.get(name))),
        *(_health(name, after.get(name), f" {AFTER}") for name in case.run.services),
    ))  # fmt: skip


def judge_reached(name: str, reached: Reached, at: float) -> list[Finding]:
    """Judge what a service said at an instant (epoch seconds): its health and all else."""
    return [
        _with_certificate(_health(name, reached, ""), reached, at),
        *_answers(name, reached),
        *_clock(name, reached),
    ]


def _before(name: str, reached: Reached | None) -> Iterator[Finding]:
    yield _health(name, reached, f" {BEFORE}")
    if reached:
        yield from _answers(name, reached)
        yield from _clock(name, reached)


def _read(folder: RunFolder, moment: str) -> dict[str, Reached]:
    try:
        return parse_reached((folder.witnesses / f"health-{moment}.json").read_bytes())
    except (OSError, ValueError):
        return {}


def _health(name: str, reached: Reached | None, moment: str) -> Finding:
    check = f"health of {name}{moment}"
    if reached is None:
        return _finding(check, Verdict.INCONCLUSIVE, "status 200", "it was not asked")
    said = reached.health
    if said.status is None:
        verdict = Verdict.FAIL if said.is_theirs else Verdict.INCONCLUSIVE
        detail = f"{said.url}: {said.remedy}."
        return _finding(check, verdict, "status 200", f"it {said.trouble}", detail)
    if said.status != httpx.codes.OK:
        detail = f"{said.url}: read the service's log."
        return _finding(check, Verdict.FAIL, "status 200", f"status {said.status}", detail)
    version = f", version {reached.version}" if reached.version else ""
    return _finding(check, Verdict.PASS, "status 200", f"status 200{version}")


def _answers(name: str, reached: Reached) -> Iterator[Finding]:
    if reached.ready:
        yield _readiness(name, reached.ready)
    if reached.probe:
        yield _acceptance(name, reached.probe)


def _readiness(name: str, said: Said) -> Finding:
    check, expected = f"readiness of {name}", "status 200"
    if said.status == httpx.codes.OK:
        return _finding(check, Verdict.PASS, expected, "status 200")
    detail = " ".join(filter(None, [f"{said.url}:", said.head or "read the service's log"]))
    return _finding(check, Verdict.FAIL, expected, _outcome(said), detail)


def _acceptance(name: str, said: Said) -> Finding:
    """A status below 500 that does not refuse the caller shows that it was let in."""
    check, expected = f"{name} accepts the headers", "not refused"
    if said.status in _REFUSED:
        detail = f"{said.url}: set headers right in the environment's file: a token, most likely."
        return _finding(check, Verdict.INCONCLUSIVE, expected,
                        f"they are refused ({said.status})", detail)  # fmt: skip
    if said.status is None or said.status >= httpx.codes.INTERNAL_SERVER_ERROR:
        detail = f"{said.url}: read the service's log."
        return _finding(check, Verdict.FAIL, expected, _outcome(said), detail)
    return _finding(check, Verdict.PASS, expected, f"not refused ({said.status})")


def _outcome(said: Said) -> str:
    return f"status {said.status}" if said.status else f"it {said.trouble}"


def _clock(name: str, reached: Reached) -> Iterator[Finding]:
    skew_s = reached.clock_skew_s
    if skew_s is None:
        return
    is_well = abs(skew_s) <= _MAX_CLOCK_SKEW_S
    verdict = Verdict.PASS if is_well else Verdict.INCONCLUSIVE
    detail = "" if is_well else "Set both clocks by NTP: restarts are told by start times."
    yield _finding(
        f"clock of {name}", verdict, f"within {_MAX_CLOCK_SKEW_S:g} s of ours",
        f"{skew_s:+.0f} s", detail,
    )  # fmt: skip


def _with_certificate(finding: Finding, reached: Reached, at: float) -> Finding:
    """Say for how long the certificate is valid, and what to do if that is not long."""
    until = reached.certificate_until
    if finding.verdict is not Verdict.PASS or until is None:
        return finding
    day = datetime.fromtimestamp(until, UTC)
    observed = f"{finding.observed}, certificate valid until {day:%Y-%m-%d}"
    left = until - at
    detail = f"{max(0, int(left // _DAY_S))} days are left: renew it." if left < _SOON_S else ""
    return _finding(finding.check, finding.verdict, finding.expected, observed, detail)


def _finding(
    check: str, verdict: Verdict, expected: str, observed: str, detail: str = ""
) -> Finding:
    return Finding(check, Kind.HEALTH, verdict, expected, observed, detail)
