"""Tests of the Prometheus of the local stack, with the real program."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from reference_services.stack.processes import ProcessGroup, StackProcess, wait_until
from reference_services.stack.prometheus import (
    await_baseline,
    await_prometheus,
    drop_samples,
    start_prometheus,
)

pytestmark = pytest.mark.stack


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProcessGroup]:
    """Create a group whose processes are stopped after the test."""
    created = ProcessGroup(tmp_path, nullcontext())
    yield created
    created.stop()


def started(group: ProcessGroup, folder: Path, **targets: str) -> tuple[StackProcess, str]:
    prometheus = start_prometheus(group, folder, targets)
    return prometheus, await_prometheus(prometheus)


def targets_of(url: str) -> set[str]:
    response = httpx.get(f"{url}/api/v1/targets", timeout=60).json()
    targets = response["data"]["activeTargets"]
    return {f"{target['labels']['job']} {target['scrapeUrl']}" for target in targets}


@pytest.mark.core
@pytest.mark.long
def test_each_target_is_a_job_of_its_name(group: ProcessGroup, tmp_path: Path) -> None:
    prometheus, url = started(group, tmp_path, cards="127.0.0.1:9", workflow="127.0.0.1:10")
    configuration = json.loads((tmp_path / "prometheus.json").read_text())
    assert [job["job_name"] for job in configuration["scrape_configs"]] == ["cards", "workflow"]
    expected = {"cards http://127.0.0.1:9/metrics", "workflow http://127.0.0.1:10/metrics"}
    wait_until(prometheus, lambda: targets_of(url) == expected)


class Exporter(BaseHTTPRequestHandler):
    """Exposes one gauge, and counts its scrapes on the server."""

    def do_GET(self) -> None:
        scrapes.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"one 1\n")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


scrapes: list[str] = []


@pytest.fixture
def exporter() -> Iterator[str]:
    """Serve the metrics of a target that is up."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.core
@pytest.mark.long
def test_the_baseline_is_two_scrapes_of_the_targets_that_are_up(
    group: ProcessGroup, tmp_path: Path, exporter: str
) -> None:
    scrapes.clear()
    prometheus, url = started(group, tmp_path, up=exporter, down="127.0.0.1:9")
    await_baseline(prometheus, url, 1)
    assert len(scrapes) >= 2


def test_the_samples_of_an_ended_prometheus_are_deleted(
    group: ProcessGroup, tmp_path: Path
) -> None:
    started(group, tmp_path)
    assert list((tmp_path / "prometheus").iterdir())
    group.stop()
    drop_samples(tmp_path)
    assert not (tmp_path / "prometheus").exists()
