"""Where the plan's own tests run: a local stack, or the environment that $E2E_ENV names."""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from config.environment import Environment, find_environment, read_environment
from reference_services.stack.local import local_stack
from scenarios.http.transport import open_client
from scenarios.language.templates import compile_text
from witnesses.prometheus.client import PrometheusQueries, job_matcher
from witnesses.service.scrapes import metrics_client

_SCRAPED_WITHIN_S = 60.0


@dataclass
class Place:
    """One environment, and a tenant of our own in it."""

    environment: Environment
    client: httpx.Client
    tenant: str

    def call(self, method: str, service: str, path: str, content: Any = None) -> httpx.Response:
        """Send one request as the tenant."""
        headers = {
            name: compile_text(value)({"tenant": self.tenant})
            for name, value in self.environment.headers.items()
        }
        url = self.environment.services[service].url + path
        return self.client.request(method, url, json=content, headers=headers)

    def counted(self, metric: str, **labels: str) -> float:
        """Add up what all replicas show of a counter of the tenant's."""
        wanted = {"tenant_id": self.tenant, **labels}
        with metrics_client(self.environment) as client:
            pages = [client.get(url).text for each in self.environment.services.values()
                     for url in each.metrics_urls()]  # fmt: skip
        return sum(
            sample.value
            for page in pages
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == metric and wanted.items() <= sample.labels.items()
        )

    def scraped(self, metric: str, by: str) -> dict[str, float]:
        """Ask Prometheus for a counter of the tenant's, once every target was scraped anew."""
        settings = self.environment.prometheus
        assert settings is not None
        with closing(PrometheusQueries(settings, self.environment.network)) as queries:
            self._await_scrapes(queries)
            query = f'sum by ({by}) ({metric}{{tenant_id="{self.tenant}"}})'
            found = queries.ask(query, None).result
        return {each["metric"].get(by, ""): float(each["value"][1]) for each in found}

    def _await_scrapes(self, queries: PrometheusQueries) -> None:
        now = time.time() + queries.clock_skew_s()
        services = self.environment.services
        jobs = {each.job or name for name, each in services.items()}
        targets = sum(len(each.metrics_urls()) for each in services.values())
        deadline = time.monotonic() + _SCRAPED_WITHIN_S
        while True:
            told = queries.ask(f"timestamp(up{job_matcher(jobs)})", None).result
            anew = [each for each in told if float(each["value"][1]) > now]
            # Of a job's two replicas, the one that counted may be the one not scraped yet.
            if len(anew) == len(told) >= targets:
                return
            assert time.monotonic() < deadline, told
            time.sleep(0.1)

    def rows(self, database: str, query: str) -> dict[str, int]:
        """Count rows of the tenant's by the query's first column."""
        url = self.environment.databases[database]
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return {
                row[0]: row[1] for row in connection.execute(text(query), {"tenant": self.tenant})
            }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    name = os.environ.get("E2E_ENV", "local")
    path = find_environment(name)
    if name == "local":
        with local_stack(tmp_path_factory.mktemp("stack")) as variables:
            yield from _place(read_environment(path, variables))
    else:
        yield from _place(read_environment(Path(path)))


def _place(environment: Environment) -> Iterator[Place]:
    with open_client(environment.network, 10.0) as client:
        yield Place(environment, client, environment.tenant_of_run())
