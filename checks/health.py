"""Judge whether the services were healthy, before the first request and after the last response."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus

from checks.case import Case
from checks.judgement import Judgement
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from witnesses.health.status import EndpointResponse, ServiceStatus, read_statuses
from witnesses.model import Moment

_MAX_CLOCK_SKEW_S = 2.0
_DAY_S = 86_400.0
_EXPIRES_SOON_S = 14 * _DAY_S
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
# The service responds, and has no such path: that shows nothing of its health.
_NO_ENDPOINT = (404, 405, 410, 501)
_EXPECTED = "status 200"
_ANY_RESPONSE = "any response: it has no health endpoint"


def services_are_healthy(folder: RunFolder) -> bool:
    """Return whether all services were well enough before the run for traffic to make sense."""
    statuses = read_statuses(folder, Moment.BEFORE)
    return bool(statuses) and all(
        finding.verdict is Verdict.PASS
        for name, status in statuses.items()
        if not status.health.is_declared_absent
        for finding in (_health(name, status), *_responses(name, status))
    )


def judge_health(case: Case) -> Judgement:
    """Judge each service's health at both moments, and before the run what else it reported."""
    before = read_statuses(case.folder, Moment.BEFORE)
    after = read_statuses(case.folder, Moment.AFTER)
    findings: list[Finding] = []
    absent = {name for name, each in before.items() if each.health.is_declared_absent}
    names = [name for name in case.run.services if name not in absent]
    for name in names:
        status = before.get(name)
        findings.append(_health(name, status, Moment.BEFORE))
        if status:
            findings += [*_responses(name, status), *_clock(name, status)]
    findings += [_health(name, after.get(name), Moment.AFTER) for name in names]
    return Judgement(tuple(findings))


def judge_status(name: str, status: ServiceStatus, at: float) -> list[Finding]:
    """Judge what a service reported at an instant (epoch seconds): its health and all else."""
    health = _with_certificate(name, _health(name, status), status, at)
    return [health, *_responses(name, status), *_clock(name, status)]


def _health(name: str, status: ServiceStatus | None, *moment: Moment) -> Finding:
    if status is None:
        return _of_health(name, moment, Verdict.INCONCLUSIVE, "it was not asked")
    health = status.health
    if health.status is None:
        verdict = Verdict.FAIL if health.is_theirs else Verdict.INCONCLUSIVE
        detail = f"{health.url}: {health.remedy}."
        return _of_health(name, moment, verdict, f"it {health.error}", detail)
    if health.is_any_status_well:
        observed = f"it responded with status {health.status}"
        return _of_health(name, moment, Verdict.PASS, observed, expected=_ANY_RESPONSE)
    if health.status in _NO_ENDPOINT:
        remedy = f"declare `health: none` on the service {name}, or correct its health:"
        observed = f"status {health.status}"
        finding = _of_health(
            name, moment, Verdict.INCONCLUSIVE, observed, f"{health.url}: {remedy}."
        )
        return replace(finding, reason=f"{finding.title}: {observed}; {remedy}")
    if health.status != HTTPStatus.OK:
        detail = f"{health.url}: read the service's log."
        return _of_health(name, moment, Verdict.FAIL, f"status {health.status}", detail)
    version = f", version {status.version}" if status.version else ""
    return _of_health(name, moment, Verdict.PASS, f"status 200{version}")


def _of_health(
    name: str,
    moment: tuple[Moment, ...],
    verdict: Verdict,
    observed: str,
    detail: str = "",
    expected: str = _EXPECTED,
) -> Finding:
    return Finding(
        finding_id("health", name, *moment),
        " ".join([f"health of {name}", *moment]),
        Kind.HEALTH,
        verdict,
        expected,
        observed,
        detail,
    )


def _responses(name: str, status: ServiceStatus) -> Iterator[Finding]:
    if status.ready:
        yield _readiness(name, status.ready)
    if status.probe:
        yield _acceptance(name, status.probe)


def _readiness(name: str, ready: EndpointResponse) -> Finding:
    is_ready = ready.status == HTTPStatus.OK
    detail = f"{ready.url}: {ready.snippet or 'read the log of the service'}"
    return Finding(
        finding_id("readiness", name),
        f"readiness of {name}",
        Kind.HEALTH,
        Verdict.PASS if is_ready else Verdict.FAIL,
        _EXPECTED,
        _outcome(ready),
        "" if is_ready else detail,
    )


def _acceptance(name: str, probe: EndpointResponse) -> Finding:
    """Judge whether a caller is let in: a status below 500 that does not refuse it shows that."""
    verdict, observed, detail = Verdict.PASS, f"not refused ({probe.status})", ""
    if probe.status in _REFUSED:
        verdict, observed = Verdict.INCONCLUSIVE, f"they are refused ({probe.status})"
        detail = f"{probe.url}: correct headers in the environment's file, most likely a token."
    elif probe.status is None or probe.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        verdict, observed = Verdict.FAIL, _outcome(probe)
        detail = f"{probe.url}: read the service's log."
    return Finding(
        finding_id("headers", name), f"{name} accepts the headers", Kind.HEALTH, verdict,
        "not refused", observed, detail,
    )  # fmt: skip


def _outcome(response: EndpointResponse) -> str:
    return f"status {response.status}" if response.status else f"it {response.error}"


def _clock(name: str, status: ServiceStatus) -> Iterator[Finding]:
    skew_s = status.clock_skew_s
    if skew_s is None:
        return
    is_well = abs(skew_s) <= _MAX_CLOCK_SKEW_S
    yield Finding(
        finding_id("clock", name),
        f"clock of {name}",
        Kind.HEALTH,
        Verdict.PASS if is_well else Verdict.INCONCLUSIVE,
        f"within {_MAX_CLOCK_SKEW_S:g} s of ours",
        f"{skew_s:+z.0f} s",
        "" if is_well else "Set both clocks by NTP: restarts are seen by start times.",
    )


def _with_certificate(name: str, finding: Finding, status: ServiceStatus, at: float) -> Finding:
    """Add for how long the certificate is valid, and what to do if that is not long."""
    until = status.certificate_until
    if finding.verdict is not Verdict.PASS or until is None:
        return finding
    left_s, day = until - at, datetime.fromtimestamp(until, UTC)
    days = max(0, int(left_s // _DAY_S))
    observed = f"{finding.observed}, certificate valid until {day:%Y-%m-%d}"
    detail = f"{days} days are left: renew it." if left_s < _EXPIRES_SOON_S else ""
    return replace(finding, observed=observed, detail=detail)
