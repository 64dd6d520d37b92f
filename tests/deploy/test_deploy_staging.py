"""Tests of scripts/deploy_staging.sh: rolling update, rollback and resumption."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from config.network import Network
from scenarios.http.transport import open_client
from tests.deploy.container_engine import make_base, need_engine, podman, variables
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.secured_servers import free_port

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

PARTS = ("postgres", "cards-1", "cards-2", "workflow-1", "workflow-2", "onboarding-1", "proxy",
         "prometheus")  # fmt: skip
_NEVER_READY = 'FROM {base}\nENTRYPOINT ["sh", "-c", "sleep 1000"]\n'


@dataclass
class StagingDeployment:
    """One deployment on this machine, with its own name and ports."""

    folder: Path
    name: str = field(default_factory=lambda: f"test{os.getpid()}")
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    port_base: int = 0

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def variables(self, **changes: str) -> dict[str, str]:
        return {
            **variables(), "DEPLOYMENT": self.name, "LISTEN": self.listen, "READY_S": "90",
            "SCRAPE_INTERVAL": "1s", **changes,
        }  # fmt: skip

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        command = ["scripts/deploy_staging.sh", "--state", str(self.state),
                   "--port-base", str(self.port_base), *arguments]  # fmt: skip
        return subprocess.Popen(
            command, cwd=ROOT, env=self.variables(**changes), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def deploy(self, *arguments: str, **changes: str) -> tuple[int, str]:
        process = self.start(*arguments, **changes)
        output, _ = process.communicate(timeout=HANGS_S)
        return process.returncode, output

    def containers(self) -> dict[str, str]:
        """Return the ids of the containers that run, by name."""
        listed = podman("ps", "--filter", f"name={self.name}-", "--format", "{{.Names}} {{.ID}}")
        return dict(line.split() for line in listed.splitlines())

    def client(self) -> httpx.Client:
        hosts = [f"staging-{name}.fylle.ai" for name in ("onboarding", "cards", "workflow")]
        routes = dict.fromkeys(hosts, self.listen)
        return open_client(Network(routes, str(self.state / "tls" / "ca.pem")), 5.0, kept=0)

    def version(self) -> str:
        with self.client() as client:
            version: str = client.get("https://staging-cards.fylle.ai/health").json()["version"]
            return version

    def secrets(self) -> list[str]:
        lines = (self.state / "secrets").read_text().splitlines()
        return [line.partition("=")[2] for line in lines]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagingDeployment]:
    """The first deployment."""
    need_engine()
    folder = tmp_path_factory.mktemp("deploy")
    (folder / "state").mkdir(mode=0o755)
    make_base(folder)
    made = StagingDeployment(folder, port_base=free_ports(21))
    try:
        with process_list() as lines:
            code, output = made.deploy()
        assert code == 0, output
        assert not [line for line in lines for secret in made.secrets() if secret in line]
        yield made
    finally:
        for name in podman("ps", "--all", "--format", "{{.Names}}").split():
            if name.startswith(made.name):
                podman("rm", "--force", "--time", "0", name, check=False)
        for volume in podman("volume", "ls", "--format", "{{.Name}}").split():
            if volume.startswith(made.name):
                podman("volume", "rm", "--force", volume, check=False)
        for image in podman("images", "--format", "{{.Repository}}").split():
            if f"/{made.name}" in image:
                podman("rmi", "--force", image, check=False)


def free_ports(number: int) -> int:
    """Return the first of so many neighbouring ports that were free a moment ago."""
    taken = {each.laddr.port for each in psutil.net_connections("tcp") if each.laddr}
    bases = range(20_000, 30_000, 50)
    return next(base for base in bases if not taken & set(range(base, base + number)))


@contextmanager
def process_list() -> Iterator[set[str]]:
    """Collect every command line of this machine within the block."""
    over, lines = threading.Event(), set[str]()

    def look() -> None:
        while not over.wait(0.05):
            for each in psutil.process_iter(["cmdline"]):
                lines.add(" ".join(each.info["cmdline"] or ()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lines
    finally:
        over.set()
        thread.join()


@contextmanager
def asked_all_the_time(made: StagingDeployment) -> Iterator[list[str]]:
    """Send requests to Cards through the proxy repeatedly; collect every failure."""
    over, wrong = threading.Event(), list[str]()

    def ask() -> None:
        with made.client() as client:
            while not over.wait(0.02):
                try:
                    status = client.get("https://staging-cards.fylle.ai/health").status_code
                except httpx.HTTPError as error:
                    wrong.append(str(error))
                    continue
                if status != 200:
                    wrong.append(str(status))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def never_ready(deployment: StagingDeployment) -> str:
    """An image that starts and never answers."""
    folder = deployment.folder / "broken"
    folder.mkdir()
    text = _NEVER_READY.format(base=f"{deployment.name}/services")
    (folder / "Containerfile").write_text(text)
    podman("build", "--isolation=chroot", "--tag", f"{deployment.name}-broken", str(folder))
    return f"{deployment.name}-broken"


def test_the_parts_run_hardened_and_healthy(deployment: StagingDeployment) -> None:
    assert set(deployment.containers()) == {f"{deployment.name}-{part}" for part in PARTS}
    for name in deployment.containers():
        (container,) = json.loads(podman("container", "inspect", name))
        assert container["HostConfig"]["ReadonlyRootfs"], name
        assert container["Config"]["User"] not in ("", "0", "root"), name
        assert not container["EffectiveCaps"], name
        podman("healthcheck", "run", name)
    assert deployment.state.stat().st_mode & 0o777 == 0o700


def test_a_second_deployment_changes_nothing(deployment: StagingDeployment) -> None:
    before = deployment.containers()
    code, output = deployment.deploy()
    assert code == 0, output
    assert "nothing was to be changed" in output
    assert deployment.containers() == before


def test_the_plans_own_staging_test_passes(deployment: StagingDeployment) -> None:
    done = subprocess.run(
        ["tests/staging/test_staging_e2e.sh", "--state", str(deployment.state),
         "--port-base", str(deployment.port_base)],
        cwd=ROOT, env=deployment.variables(RUNS=str(deployment.folder / "runs")),
        capture_output=True, text=True, timeout=HANGS_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "400/400" in done.stdout
    assert "every step passed" in done.stdout


def test_an_image_that_never_gets_ready_is_rolled_back_and_the_old_one_serves_all_the_while(
    deployment: StagingDeployment, never_ready: str
) -> None:
    before, version = deployment.containers(), deployment.version()
    with asked_all_the_time(deployment) as wrong:
        code, output = deployment.deploy("--image", f"localhost/{never_ready}", READY_S="5")
    assert code == 1
    assert "cards-1 was not ready within 5 s" in output
    assert "rolled back: the version before serves again" in output
    assert wrong == []
    assert deployment.containers() == before
    assert deployment.version() == version


def test_a_failed_proof_puts_everything_back(deployment: StagingDeployment) -> None:
    before = deployment.containers()
    services = f"localhost/{deployment.name}/services"
    other = f"localhost/{deployment.name}-other"
    podman("tag", services, other)
    code, output = deployment.deploy("--image", other, HARNESS="false", READY_S="8")
    assert code == 1
    assert "the doctor found" in output
    assert deployment.containers() == before


def test_what_a_killed_deployment_left_is_put_back_by_the_next(
    deployment: StagingDeployment, never_ready: str
) -> None:
    before = deployment.containers()
    process = deployment.start("--image", f"localhost/{never_ready}")
    deadline = time.monotonic() + 60
    while deployment.containers().get(f"{deployment.name}-cards-1") in (
        None, before[f"{deployment.name}-cards-1"],
    ):  # fmt: skip
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, output = deployment.deploy()
    assert code == 0, output
    assert "an earlier deployment was cut off: putting cards-1 back" in output
    assert deployment.containers() == before
