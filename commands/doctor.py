"""Check whether an environment has what a run needs: one finding per question, with its remedy.

Nothing is changed anywhere. The findings have the ids and words of those of a run.
"""

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import NoReturn

import typer

from checks.balance.discovered import judge_discovered_pages
from checks.balance.preconditions import judge_metrics_readable
from checks.clocks import judge_clock_skew
from checks.health import judge_status
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict, exit_code, worst
from checks.wording import capitalized
from commands.shared.api_check import check_api
from commands.shared.database_check import check_database
from commands.shared.interrupts import INTERRUPTS
from commands.shared.job_check import JobCheck
from commands.shared.preflight import problems_of
from commands.shared.run_setup import plan_of, started_stack
from commands.shared.settling_check import check_settling
from config.auth import NO_AUTH
from config.clock import CLOCK
from config.environment import (
    Environment,
    EnvironmentFile,
    find_environment,
    read_environment,
    read_environment_file,
)
from config.errors import ConfigError, Problem
from config.project import find_project
from config.prometheus import Prometheus
from config.redaction import Secrets, redact
from reference_services.common.temporary_folder import temporary_folder
from reports.checklist import render_checklist
from scenarios.http.token_request import TokenRefused
from scenarios.http.tokens import TOKEN_SOURCES
from scenarios.language.secrets import secrets_of
from witnesses.health.collector import fetch_statuses
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.preflight import inspect_scenario
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.service.collector import (
    fetch_exposition,
    metrics_client,
    read_reachable_page,
)
from witnesses.service.discovery import ReplicaDiscovery
from witnesses.service.exposition import parse_exposition
from witnesses.target_labels import address_of

_THREADS = 32
_PAGES = 16  # of metrics at the same time: each may have 16 MiB
# Prometheus 2.42 scrapes for the first time only 5 s after its start.
_FIRST_SCRAPE_S = 8.0

_VERDICTS = {
    Outcome.FOUND: Verdict.PASS,
    Outcome.WRONG: Verdict.FAIL,
    Outcome.UNSEEN: Verdict.INCONCLUSIVE,
    Outcome.DOWN: Verdict.INCONCLUSIVE,
}

# The process start times that a service's replicas show, by service.
StartTimes = dict[str, set[float]]


def doctor(env: str, as_json: bool, scenario: str = "") -> NoReturn:
    """Check an environment, print the findings, and exit with the verdict. Raises ConfigError.

    With a scenario, or that of the project file, its counters, labels and queries are checked, too.
    A name that nobody has is a mistake in the scenario, as it is in a run.
    """
    project = find_project()
    scenario = scenario or (project.scenario or "" if project.file else "")
    plan = plan_of("doctor", env, scenario, (), Path("runs"), "") if scenario else None
    file = plan.file if plan else read_environment_file(find_environment(env))
    problems: list[Problem] = []
    with _variables_of(file) as variables:
        environment = read_environment(file.path, variables)
        contacted = plan.scenario.contacted_services if plan else None
        findings = check_environment(environment, contacted)
        secrets = Secrets.of_process(environment.secrets())
        if plan:
            secrets = Secrets.of_process(secrets_of(plan.scenario, environment))
            inspections = inspect_scenario(plan.scenario, environment, environment.tenant_of_run())
            findings += findings_of(inspections)
            problems = problems_of(inspections, plan.scenario_path, secrets)
    findings = [redacted(finding, secrets) for finding in findings]
    verdict = worst(finding.verdict for finding in findings)
    document = {"verdict": verdict, "findings": [asdict(each) for each in findings]}
    if not (as_json and problems):  # with --json, exactly one document is printed
        text = json.dumps(document, indent=2) if as_json else render_checklist(findings)
        INTERRUPTS.print_document(text)
    if problems:
        raise ConfigError(*problems)
    raise typer.Exit(exit_code(verdict))


@contextmanager
def _variables_of(file: EnvironmentFile) -> Iterator[Mapping[str, str]]:
    """Start the stack that an environment asks for, in a folder that does not outlast it.

    The logs of a stack that could not be started stay until the next one is.
    """
    if not file.starts_stack:
        yield {}
        return
    INTERRUPTS.raise_on_signal()
    with (
        temporary_folder("trial-balance-doctor-", keep_on_error=True) as place,
        started_stack(place, "") as variables,
    ):
        yield variables


def redacted(finding: Finding, secrets: Iterable[str]) -> Finding:
    """Return a finding without the secrets that a system has echoed."""
    return replace(
        finding, expected=redact(finding.expected, secrets),
        observed=redact(finding.observed, secrets), detail=redact(finding.detail, secrets),
    )  # fmt: skip


def findings_of(inspections: Iterable[Inspection]) -> list[Finding]:
    """Return a finding for each part of a scenario that a witness was asked for."""
    return [
        Finding(
            finding_id("scenario", *each.subject), " ".join(each.subject), Kind.VALIDITY,
            _VERDICTS[each.outcome], "known before the load", each.observed, _sentence(each.remedy),
        )
        for each in inspections
    ]  # fmt: skip


def _sentence(remedy: str) -> str:
    return f"{capitalized(remedy)}." if remedy else ""


def check_environment(
    environment: Environment, contacted: Collection[str] | None = None
) -> list[Finding]:
    """Check every service, Prometheus, every database and every usage API.

    `contacted` are the services that the flow sends to.

    All at once, so that several that do not respond take no longer than one.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        statuses = threads.submit(
            fetch_statuses, environment, environment.tenant_of_run(), contacted=contacted
        )
        databases = [
            threads.submit(check_database, *each) for each in environment.databases.items()
        ]
        apis = [
            threads.submit(check_api, name, api, environment.network)
            for name, api in environment.apis.items()
        ]
        start_times: StartTimes = {}
        metrics = list(_metrics(environment, start_times, threads))
        return [
            *(
                finding
                for name, status in statuses.result().items()
                if not status.health.is_declared_absent
                for finding in judge_status(name, status, CLOCK.now_at())
            ),
            *_untried_headers(environment),
            *_tokens(environment),
            *metrics,
            *_prometheus(environment, start_times),
            *(each.result() for each in (*databases, *apis)),
        ]


def _untried_headers(environment: Environment) -> Iterator[Finding]:
    """Report each service of which no request shows whether it accepts the headers."""
    for name, service in environment.services.items():
        if (environment.headers_of(name) or service.auth != NO_AUTH) and not service.probe:
            yield Finding(
                finding_id("headers", name), f"{name} accepts the headers", Kind.HEALTH,
                Verdict.PASS, "not refused", "not tried: the service has no probe",
                f"Add probe: /… to {name} in the environment's file, a read that needs the token.",
            )  # fmt: skip


def _tokens(environment: Environment) -> Iterator[Finding]:
    """Report for each service and API with OAuth 2.0 whether its token endpoint gives a token."""
    holders = [(key, name, holder.auth)
               for key, named in (("services", environment.services), ("apis", environment.apis))
               for name, holder in named.items() if holder.auth.oauth2]  # fmt: skip
    for key, name, auth in holders:
        verdict, observed, detail = Verdict.PASS, "a token", ""
        try:
            TOKEN_SOURCES(auth, environment.network).authorization()
        except TokenRefused as error:
            verdict, observed = Verdict.FAIL, str(error)
            detail = f"Correct {key}.{name}.auth.oauth2 in the environment's file."
        yield Finding(
            finding_id("token", name), f"token for {name}", Kind.HEALTH, verdict, "a token",
            observed, detail,
        )  # fmt: skip


def _metrics(
    environment: Environment, start_times: StartTimes, threads: Executor
) -> Iterator[Finding]:
    """Scrape each replica once, and note when its process started."""
    room, parsing = BoundedSemaphore(_PAGES), Lock()

    def scrape(name: str, url: str) -> tuple[str, set[float]]:
        """Return why a page cannot be read, and the latest start on it; the page is let go."""
        with room:
            with metrics_client(environment, name, url) as client:
                content, error = fetch_exposition(client, url)
            if error:
                return error, set()
            with parsing:  # takes several times the memory of its page
                return _latest_start(content, url)

    scrapes = {
        name: [threads.submit(scrape, name, url) for url in service.metrics_urls()]
        for name, service in environment.services.items()
        if not service.is_discovered
    }
    for name, of_service in scrapes.items():
        scraped = [each.result() for each in of_service]
        if started := set[float]().union(*(each for _, each in scraped)):
            start_times[name] = started
        failed = [error for error, _ in scraped if error]
        yield judge_metrics_readable(name, "now", failed, len(of_service))


def _latest_start(content: bytes, url: str) -> tuple[str, set[float]]:
    exposition = parse_exposition(content, url)
    started = max(exposition.start_times.values(), default=None)
    return exposition.error, set() if exposition.error or started is None else {started}


def _prometheus(environment: Environment, start_times: StartTimes) -> Iterator[Finding]:
    settings = environment.prometheus
    if settings is None:
        observed = "the environment has none: no quantity is counted there"
        yield _of_prometheus(Verdict.PASS, "none is asked", observed)
        return
    with closing(PrometheusClient(settings, environment.network)) as client:
        try:
            yield from _scraping(environment, settings, client, start_times)
        except PrometheusDown as error:
            declaration = "leave prometheus: out of the environment's file if there is none"
            remedy = _sentence("; or ".join(filter(None, [error.remedy, declaration])))
            yield _of_prometheus(Verdict.INCONCLUSIVE, settings.url, error.what, remedy)


def _of_prometheus(verdict: Verdict, expected: str, observed: str, detail: str = "") -> Finding:
    id_ = finding_id("health", "prometheus")
    return Finding(id_, "Prometheus responds", Kind.HEALTH, verdict, expected, observed, detail)


def _scraping(
    environment: Environment,
    settings: Prometheus,
    client: PrometheusClient,
    start_times: StartTimes,
) -> Iterator[Finding]:
    skew_s = client.clock_skew_s()
    version = client.version()
    observed = f"version {version}" if version else "it reports no version"
    yield _of_prometheus(Verdict.PASS, settings.url, observed)
    yield judge_clock_skew(skew_s)
    # A Prometheus that has just started needs a moment; all jobs share it.
    deadline = time.monotonic() + _FIRST_SCRAPE_S
    services = environment.services.items()
    jobs = {name: service.job or name for name, service in services}
    discovery = ReplicaDiscovery(environment, client, partial(read_reachable_page, environment))
    for name, service in services:
        if service.pushed:
            continue
        if service.is_discovered:
            job = JobCheck(client, jobs[name], match=settings.match)
            yield job.judge_discovered(name, deadline)
            found = discovery.discover(name)
            replicas = len(found.replicas)
            yield judge_discovered_pages(name, replicas, replicas, found.unasked)
            continue
        # services may share a job, and a metrics address
        same = [other for other, job in jobs.items() if job == jobs[name]]
        urls = {
            address_of(url) for other in same for url in environment.services[other].metrics_urls()
        }
        seen = set[float]().union(*(start_times.get(other, ()) for other in same))
        yield JobCheck(client, jobs[name], seen, settings.match).judge(name, len(urls), deadline)
    yield from check_settling(environment, client, skew_s)
