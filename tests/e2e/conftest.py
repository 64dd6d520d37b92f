"""Fixtures of the end-to-end tests: a local stack, or the environment named by $E2E_ENV."""

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
from witnesses.prometheus.client import PrometheusClient
from witnesses.service.collector import metrics_client
from witnesses.target_labels import job_matcher

_SCRAPED_WITHIN_S = 60.0


@dataclass
class EndToEndClient:
    """One environment, and a tenant of the test's own."""

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
        """Sum a counter of the tenant over all replicas."""
        wanted = {"tenant_id": self.tenant, **labels}
        expositions: list[str] = []
        for name, service in self.environment.services.items():
            for url in service.metrics_urls():
                with metrics_client(self.environment, name, url) as client:
                    expositions.append(client.get(url).text)
        return sum(
            sample.value
            for exposition in expositions
            for family in text_string_to_metric_families(exposition)
            for sample in family.samples
            if sample.name == metric and wanted.items() <= sample.labels.items()
        )

    def scraped(self, metric: str, by: str) -> dict[str, float]:
        """Query Prometheus for a counter of the tenant, after a new scrape of every target."""
        settings = self.environment.prometheus
        assert settings is not None
        with closing(PrometheusClient(settings, self.environment.network)) as client:
            self._await_scrapes(client)
            query = f'sum by ({by}) ({metric}{{tenant_id="{self.tenant}"}})'
            found = client.query(query, None).result
        return {each["metric"].get(by, ""): float(each["value"][1]) for each in found}

    def _await_scrapes(self, client: PrometheusClient) -> None:
        now = time.time() + client.clock_skew_s()
        services = self.environment.services
        jobs = {each.job or name for name, each in services.items()}
        targets = sum(len(each.metrics_urls()) for each in services.values())
        deadline = time.monotonic() + _SCRAPED_WITHIN_S
        while True:
            samples = client.query(f"timestamp(up{job_matcher(jobs)})", None).result
            fresh = [each for each in samples if float(each["value"][1]) > now]
            # Of two replicas, the one that counted may not have been scraped yet.
            if len(fresh) == len(samples) >= targets:
                return
            assert time.monotonic() < deadline, samples
            time.sleep(0.1)

    def rows(self, database: str, query: str) -> dict[str, int]:
        """Count rows of the tenant by the first column of the query."""
        url = self.environment.databases[database]
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            return {
                row[0]: row[1] for row in connection.execute(text(query), {"tenant": self.tenant})
            }


@pytest.fixture(scope="module")
def e2e(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndToEndClient]:
    name = os.environ.get("E2E_ENV", "local")
    path = find_environment(name)
    if name == "local":
        with local_stack(tmp_path_factory.mktemp("stack")) as variables:
            yield from _client_of(read_environment(path, variables))
    else:
        yield from _client_of(read_environment(Path(path)))


def _client_of(environment: Environment) -> Iterator[EndToEndClient]:
    with open_client(environment.network, 10.0) as client:
        yield EndToEndClient(environment, client, environment.tenant_of_run())
