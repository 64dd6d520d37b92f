"""Can everything that a run needs be reached and read? One finding each, with its remedy.

The findings are named and worded as those of a run.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection, text

from checks.balance.preconditions import miscounted, scraped_finding, shown_finding
from checks.health import judge_reached
from checks.result import Finding, Kind
from checks.validity import clock_finding
from checks.verdict import Verdict
from config.environment import Environment
from config.prometheus import Prometheus
from witnesses.database.read_only import DatabaseDown, read_only
from witnesses.health.status import ask_services
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries
from witnesses.service.scrapes import ask_exposition, metrics_client, parse_exposition

_AT_ONCE = 32
_FIRST_SCRAPE_S = 8.0
_POLL_S = 0.2
_BIRTH = "process_start_time_seconds"
_MAY_WRITE = text(
    "SELECT coalesce(bool_or(has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE')), false) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


def examine(environment: Environment) -> list[Finding]:
    """Ask every service, Prometheus and every database; nothing is changed anywhere.

    At once as far as can be: much that does not answer takes no longer than one of it.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        services = threads.submit(lambda: list(_services(environment)))
        databases = [threads.submit(_database, *each) for each in environment.databases.items()]
        births: dict[str, set[float]] = {}
        metrics = list(_metrics(environment, births, threads))
        return [
            *services.result(),
            *metrics,
            *_prometheus(environment, births),
            *(each.result() for each in databases),
        ]


def _services(environment: Environment) -> Iterator[Finding]:
    reached = ask_services(environment, environment.tenant_of_run())
    for name, each in reached.items():
        yield from judge_reached(name, each, time.time())


def _metrics(
    environment: Environment, births: dict[str, set[float]], threads: Executor
) -> Iterator[Finding]:
    """Look at each replica's metrics, and note when its process began."""
    with metrics_client(environment) as client:
        asked = {
            name: [(url, threads.submit(ask_exposition, client, url))
                   for url in service.metrics_urls()]
            for name, service in environment.services.items()
        }  # fmt: skip
        for name, urls in asked.items():
            troubles = []
            for url, answer in urls:
                content, trouble = answer.result()
                page = parse_exposition(content, url)
                troubles.append(trouble or page.trouble)
                if page.birth and not troubles[-1]:
                    births.setdefault(name, set()).add(page.birth)
            finding = shown_finding(name, "now", list(filter(None, troubles)), len(urls))
            remedy = "Correct metrics or metrics_headers in the environment's file."
            yield replace(finding, detail="" if finding.verdict is Verdict.PASS else remedy)


def _prometheus(environment: Environment, births: dict[str, set[float]]) -> Iterator[Finding]:
    settings = environment.prometheus
    if settings is None:
        remedy = "Add prometheus: {url: …} to the environment's file."
        yield _finding("Prometheus answers", Verdict.INCONCLUSIVE, "", "none is named", remedy)
        return
    with closing(PrometheusQueries(settings, environment.network)) as queries:
        try:
            yield from _asked(environment, settings, queries, births)
        except PrometheusDown as error:
            remedy = f"{error.remedy[:1].upper()}{error.remedy[1:]}." if error.remedy else ""
            yield _finding(
                "Prometheus answers", Verdict.INCONCLUSIVE, settings.url, error.what, remedy
            )


def _asked(
    environment: Environment,
    settings: Prometheus,
    queries: PrometheusQueries,
    births: dict[str, set[float]],
) -> Iterator[Finding]:
    skew_s = queries.clock_skew_s()
    version = queries.version()
    observed = f"version {version}" if version else "it tells no version"
    yield _finding("Prometheus answers", Verdict.PASS, settings.url, observed, "")
    yield clock_finding(skew_s)
    # A Prometheus that has just started needs a moment; all jobs share it.
    deadline = time.monotonic() + _FIRST_SCRAPE_S
    for name, service in environment.services.items():
        scraping = _Scraping(queries, service.job or name, births.get(name, set()))
        yield scraping.judge(name, len(service.metrics_urls()), deadline)


class _Scraping:
    """What Prometheus scrapes of one job, against the processes that were seen."""

    def __init__(self, queries: PrometheusQueries, job: str, births: set[float]) -> None:
        self._queries = queries
        self._job = job
        self._births = births

    def judge(self, name: str, replicas: int, deadline: float) -> Finding:
        """Look for the service's targets, and whether they are those very processes."""
        ask = partial(self._values, "up")
        ups = ask()
        while len(ups) < replicas and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            ups = ask()
        missed = miscounted(len(ups), replicas)
        observed = missed or f"{ups.count(1.0)} of {len(ups)} targets up"
        interval_s = (self._queries.intervals_s([self._job]) or {}).get(self._job)
        if interval_s:
            observed += f", every {interval_s:g} s"
        strangers = "" if missed else self._strangers()
        well = not missed and not strangers and all(up == 1 for up in ups)
        finding = scraped_finding(name, replicas, f"{observed}{strangers}", well)
        remedy = (
            f"Scrape each replica with job_name: {self._job}, or correct job or metrics of {name} "
            "in the environment's file."
        )
        return finding if well else replace(finding, detail=remedy)

    def _strangers(self) -> str:
        """Say that other processes are scraped than those whose metrics were looked at."""
        scraped = set(self._values(_BIRTH))
        if not scraped or not self._births or self._births <= scraped:
            return ""
        return "; other processes than those named: their start times differ"

    def _values(self, metric: str) -> list[float]:
        answer = self._queries.ask(f'{metric}{{job="{self._job}"}}', None)
        return [float(each["value"][1]) for each in answer.result]


def _database(name: str, url: str) -> Finding:
    check = f"database {name} can be read"
    try:
        with read_only(url) as connection:
            connection.execute(text("SELECT 1"))
            told = "it answers" + _privileges(connection)
    except DatabaseDown as error:
        remedy = "Correct its address in the environment's file."
        return _finding(check, Verdict.INCONCLUSIVE, name, f"the database {name!r}: {error}",
                        remedy)  # fmt: skip
    return _finding(check, Verdict.PASS, name, told, "")


def _privileges(connection: Connection) -> str:
    """Say that a role may do more than it needs; nothing is ever written with it all the same."""
    if connection.dialect.name != "postgresql":
        return ""
    return "; its role may write, too" if connection.execute(_MAY_WRITE).scalar() else ""


def _finding(check: str, verdict: Verdict, expected: str, observed: str, detail: str) -> Finding:
    return Finding(check, Kind.HEALTH, verdict, expected, observed, detail)
