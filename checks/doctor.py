"""Can everything that a run needs be reached and read? One finding each, with its remedy."""

import time
from collections.abc import Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from checks.result import Finding, Kind
from checks.verdict import Verdict
from checks.witnesses.queries import PrometheusDown, PrometheusQueries
from checks.witnesses.restraint import DatabaseDown, read_only
from config.environment import Environment
from config.prometheus import Prometheus

_TIMEOUT_S = 5.0
_FIRST_SCRAPE_S = 8.0
_POLL_S = 0.2


def examine(environment: Environment) -> list[Finding]:
    """Ask every service, Prometheus and every database; nothing is changed anywhere."""
    return [
        *_services(environment),
        *_prometheus(environment),
        *(_database(name, url) for name, url in environment.databases.items()),
    ]


def _services(environment: Environment) -> Iterator[Finding]:
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        for name, service in environment.services.items():
            yield _status(client, f"{name} is well", service.url + service.health)
            for url in service.metrics_urls():
                yield _metrics(client, f"{name} shows metrics", url)


def _status(client: httpx.Client, check: str, url: str) -> Finding:
    try:
        status = client.get(url).status_code
    except httpx.HTTPError as error:
        remedy = "Start it, or correct its address in the environment's file."
        return _finding(check, Verdict.FAIL, url, f"no answer: {error}", remedy)
    well = status == httpx.codes.OK
    remedy = "" if well else "Read the service's log."
    return _finding(check, Verdict.PASS if well else Verdict.FAIL, url, f"status {status}", remedy)


def _metrics(client: httpx.Client, check: str, url: str) -> Finding:
    try:
        families = list(text_string_to_metric_families(client.get(url).text))
    except (httpx.HTTPError, ValueError) as error:
        remedy = "Name the address of its metrics in the environment's file: metrics: [url]."
        return _finding(check, Verdict.INCONCLUSIVE, url, f"not metrics: {error}", remedy)
    verdict = Verdict.PASS if families else Verdict.INCONCLUSIVE
    return _finding(check, verdict, url, f"{len(families)} metrics", "")


def _prometheus(environment: Environment) -> Iterator[Finding]:
    settings = environment.prometheus
    if settings is None:
        remedy = "Add prometheus: {url: …} to the environment's file."
        yield _finding("Prometheus answers", Verdict.INCONCLUSIVE, "", "none is named", remedy)
        return
    queries = PrometheusQueries(settings)
    try:
        yield from _asked(environment, settings, queries)
    except PrometheusDown as error:
        remedy = f"{error.remedy[:1].upper()}{error.remedy[1:]}." if error.remedy else ""
        yield _finding("Prometheus answers", Verdict.INCONCLUSIVE, settings.url, error.what, remedy)
    finally:
        queries.close()


def _asked(
    environment: Environment, settings: Prometheus, queries: PrometheusQueries
) -> Iterator[Finding]:
    skew_s = queries.clock_skew_s()
    observed = f"version {queries.version()}, clock {skew_s:+.3f} s"
    yield _finding("Prometheus answers", Verdict.PASS, settings.url, observed, "")
    for name, service in environment.services.items():
        yield _scraping(queries, name, service.job or name)


def _scraping(queries: PrometheusQueries, name: str, job: str) -> Finding:
    """Look for the service's targets; a Prometheus that has just started needs a moment."""
    deadline = time.monotonic() + _FIRST_SCRAPE_S
    ups = _ups(queries, job)
    while not ups and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        ups = _ups(queries, job)
    scraped = bool(ups) and all(up == 1 for up in ups)
    remedy = "" if scraped else f"Scrape it with job_name: {job}, or name its job: in the file."
    verdict = Verdict.PASS if scraped else Verdict.INCONCLUSIVE
    observed = f"{ups.count(1.0)} of {len(ups)} targets up"
    interval_s = (queries.intervals_s([job]) or {}).get(job)
    if interval_s:
        observed += f", scraped every {interval_s:g} s"
    return _finding(f"Prometheus scrapes {name}", verdict, f"job {job}", observed, remedy)


def _ups(queries: PrometheusQueries, job: str) -> list[float]:
    return [float(each["value"][1]) for each in queries.ask(f'up{{job="{job}"}}', None).result]


def _database(name: str, url: str) -> Finding:
    check = f"database {name} can be read"
    try:
        with read_only(url) as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseDown as error:
        remedy = "Correct its address in the environment's file."
        return _finding(check, Verdict.INCONCLUSIVE, name, str(error), remedy)
    return _finding(check, Verdict.PASS, name, "it answers", "")


def _finding(check: str, verdict: Verdict, expected: str, observed: str, detail: str) -> Finding:
    return Finding(check, Kind.HEALTH, verdict, expected, observed, detail)
