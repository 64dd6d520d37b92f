"""A complete staging deployment as local processes, for tests and `benchmarks.watch`.

nginx with TLS, a temporary CA and the four host names; two replicas each of Cards and Workflow,
scraped separately; PostgreSQL with a read-only role; a Prometheus behind a token; tokens for every
request; and traffic of other tenants.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from config.network import Network
from scenarios.http.transport import open_client
from tests.paths import ROOT
from tests.reference_services.databases import (
    Databases,
    postgresql_databases,
    postgresql_server,
)
from tests.secured_servers import Certificates, find_program, free_port, sign

SERVICES = ("onboarding", "cards", "workflow")
REPLICAS = {"onboarding": 1, "cards": 2, "workflow": 2}
HOSTS = {name: f"staging-{name}.fylle.ai" for name in (*SERVICES, "prometheus")}
NAMES = ",".join(f"DNS:{host}" for host in HOSTS.values())

API_TOKEN = "api-s3cret-3f1b9c64a2d84e1f"
SERVICE_TOKEN = "service-s3cret-77d02c1be9a94d3a"
OPERATIONS_TOKEN = "operations-s3cret-c5a1d7e20b6f48"
DATABASE_PASSWORD = "database-s3cret-9e4d1b"
SECRETS = (API_TOKEN, SERVICE_TOKEN, OPERATIONS_TOKEN, DATABASE_PASSWORD)

_START_S = 90.0
_POLL_S = 0.05
_READER = "harness"


@dataclass
class Staging:
    """A running staging: its processes, and the variables that config/staging.yaml needs."""

    folder: Path
    certificates: Certificates
    address: str
    databases: Mapping[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    start_functions: dict[str, Callable[[], subprocess.Popen[bytes]]] = field(default_factory=dict)

    def variables(self, **changes: str) -> dict[str, str]:
        """Return the environment variables of config/staging.yaml."""
        routes = " ".join(f"{host}={self.address}" for host in HOSTS.values())
        return {
            "STAGING_API_TOKEN": API_TOKEN,
            "STAGING_OPERATIONS_TOKEN": OPERATIONS_TOKEN,
            "STAGING_CA_FILE": str(self.certificates.ca),
            "STAGING_CONNECT_TO": routes,
            **{f"STAGING_{name.upper()}_DATABASE_URL": url for name, url in self.databases.items()},
            **changes,
        }

    def client(self) -> httpx.Client:
        """Return a client that reaches the hosts by their names."""
        routes = dict.fromkeys(HOSTS.values(), self.address)
        return open_client(Network(routes, str(self.certificates.ca)), 10.0)

    def kill(self, name: str) -> None:
        """Kill a process, as in a crash."""
        self.processes[name].kill()
        self.processes[name].wait()

    def start(self, name: str) -> None:
        """Start a killed process again with the same command."""
        self.processes[name] = self.start_functions[name]()

    def reload_certificate(self, certificates: Certificates) -> None:
        """Replace the certificate of nginx, and reload nginx."""
        for ours, theirs in ((self.certificates.certificate, certificates.certificate),
                             (self.certificates.key, certificates.key)):  # fmt: skip
            ours.write_bytes(theirs.read_bytes())
        self.processes["nginx"].send_signal(signal.SIGHUP)
        time.sleep(0.5)


@contextmanager
def staging(folder: Path, interval: str = "15s", scraped: Mapping[str, int] = REPLICAS
            ) -> Iterator[Staging]:  # fmt: skip
    """Run a staging during the block; `scraped` is the number of replicas that are scraped."""
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server())
        databases = stack.enter_context(postgresql_databases(server))
        certificates = sign(folder / "tls", NAMES)
        address = f"127.0.0.1:{free_port()}"
        deployment = Staging(folder, certificates, address, {})
        stack.callback(_stop, deployment)
        _start(deployment, databases, interval, scraped)
        deployment.databases = {name: _reader_of(databases.url_of(name)) for name in SERVICES}
        yield deployment


def _start(
    deployment: Staging, databases: Databases, interval: str, scraped: Mapping[str, int]
) -> None:
    ports = {
        f"{name}-{number}": free_port()
        for name in SERVICES
        for number in range(1, REPLICAS[name] + 1)
    }
    inside, prometheus = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    for name, port in ports.items():
        service = name.partition("-")[0]
        if name.endswith("-2"):  # the first replica migrates the database of both
            _await(f"http://127.0.0.1:{ports[f'{service}-1']}/health", deployment, f"{service}-1")
        _add(
            deployment, name, _service_command(service, port), _settings(service, inside, databases)
        )
    _render(deployment, ports, inside, prometheus, interval, scraped)
    _add(deployment, "nginx", [find_program("nginx"), "-c", f"{deployment.folder}/nginx.conf", "-g",
                         "daemon off;"], {})  # fmt: skip
    _add(deployment, "prometheus", [
        find_program("prometheus"), f"--config.file={deployment.folder}/prometheus.yaml",
        f"--storage.tsdb.path={deployment.folder}/samples", f"--web.listen-address={prometheus}",
    ], {})  # fmt: skip
    for name, port in ports.items():
        _await(f"http://127.0.0.1:{port}/ready", deployment, name)
    _await(f"http://{prometheus}/-/ready", deployment, "prometheus")


def _service_command(service: str, port: int) -> list[str]:
    return [sys.executable, "-m", "reference_services.serve", service, "--port", str(port)]


def _settings(service: str, inside: str, databases: Databases) -> dict[str, str]:
    return {
        "API_TOKENS": API_TOKEN,
        "SERVICE_TOKENS": SERVICE_TOKEN if service == "cards" else "",
        "CARDS_TOKEN": "" if service == "cards" else SERVICE_TOKEN,
        "CARDS_URL": f"http://{inside}",
        "DATABASE_URL": databases.url_of(service),
        "DATABASE_CONNECTIONS": "8",
        "SERVICE_VERSION": "1.0.0",
    }


def _render(
    deployment: Staging, ports: Mapping[str, int], inside: str, prometheus: str, interval: str,
    scraped: Mapping[str, int],
) -> None:  # fmt: skip
    addresses = {
        service: [f"127.0.0.1:{port}" for name, port in ports.items() if name.startswith(service)]
        for service in SERVICES
    }
    common = {
        "LISTEN": deployment.address,
        "INSIDE": inside,
        "PROMETHEUS_ADDRESS": prometheus,
        "TLS_CERTIFICATE": str(deployment.certificates.certificate),
        "TLS_KEY": str(deployment.certificates.key),
        "OPERATIONS_TOKEN": OPERATIONS_TOKEN,
        "SCRAPE_INTERVAL": interval,
        "RUN_FOLDER": str(deployment.folder / "nginx"),
    }
    (deployment.folder / "nginx").mkdir()
    for place, kept in ((deployment.folder, REPLICAS), (deployment.folder / "scraped", scraped)):
        replicas = {f"{name.upper()}_REPLICAS": " ".join(each[: kept[name]])
                    for name, each in addresses.items()}  # fmt: skip
        subprocess.run(
            [sys.executable, ROOT / "deploy" / "render.py", place],
            env={**os.environ, **common, **replicas}, check=True,
        )  # fmt: skip
    (deployment.folder / "scraped" / "prometheus.yaml").replace(
        deployment.folder / "prometheus.yaml"
    )


def _add(deployment: Staging, name: str, command: list[str], variables: Mapping[str, str]) -> None:
    def start() -> subprocess.Popen[bytes]:
        with (deployment.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    deployment.start_functions[name] = start
    deployment.start(name)


def _await(url: str, deployment: Staging, name: str) -> None:
    deadline = time.monotonic() + _START_S
    while not _is_ok(url):
        log = deployment.folder / f"{name}.log"
        assert deployment.processes[name].poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(_POLL_S)


def _is_ok(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _stop(deployment: Staging) -> None:
    for process in deployment.processes.values():
        process.terminate()
    for process in deployment.processes.values():
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reader_of(url: str) -> str:
    """Create a read-only role, and return the database URL for it."""
    statements = (
        f"DO $$ BEGIN CREATE ROLE {_READER} LOGIN PASSWORD '{DATABASE_PASSWORD}'; "
        "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {_READER}",
    )
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    reader = make_url(url).set(
        drivername="postgresql", username=_READER, password=DATABASE_PASSWORD
    )
    return reader.render_as_string(hide_password=False)


@contextmanager
def foreign_traffic(deployment: Staging, pause_s: float = 0.2) -> Iterator[list[int]]:
    """Run the flow repeatedly as other tenants; the yielded list holds the number of passes."""
    over, number = Event(), [0]

    def work() -> None:
        with deployment.client() as client:
            while not over.wait(pause_s):
                number[0] += run_flow_once(client, str(uuid4()))

    thread = Thread(target=work)
    thread.start()
    try:
        yield number
    finally:
        over.set()
        thread.join()


def run_flow_once(client: httpx.Client, tenant: str) -> bool:
    """Run the flow once as a tenant; return whether every response was successful."""
    headers = {"X-Tenant-ID": tenant, "Authorization": f"Bearer {API_TOKEN}"}

    def post(service: str, path: str, content: dict[str, Any]) -> dict[str, Any]:
        response = client.post(f"https://{HOSTS[service]}{path}", json=content, headers=headers)
        response.raise_for_status()
        body: dict[str, Any] = response.json()
        return body

    sessions = "/api/v1/onboarding/sessions"
    try:
        who = {"company_domain": f"{tenant}.example", "user_email": "eve@else.example"}
        session = post("onboarding", sessions, who)["session_id"]
        answers = {"answers": [{"question_id": "q1", "answer": "We sell tea"}]}
        cards = post("onboarding", f"{sessions}/{session}/answers", answers)["card_ids"]
        wanted = {"workflow_type": "linkedin_post", "card_ids": cards}
        post("workflow", "/api/v1/workflows/execute", wanted)
    except httpx.HTTPError:
        return False
    return True
