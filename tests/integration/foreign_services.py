"""Services of other projects, started as processes on free ports: etcd, RabbitMQ and others."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.paths import ROOT

_START_TIMEOUT_S = 60


@dataclass(frozen=True)
class ForeignServices:
    """The addresses of running services (host:port), by name."""

    addresses: Mapping[str, str]

    def url(self, name: str) -> str:
        return f"http://{self.addresses[name]}"


@contextmanager
def foreign_services(folder: Path) -> Iterator[ForeignServices]:
    """Run etcd, pushgateway, RabbitMQ, Prometheus and VictoriaMetrics, the last two scraping all.

    Skips where a program is missing, unless in CI.
    """
    names = "etcd", "pushgateway", "rabbitmq", "rabbitmq_metrics", "prometheus", "victoria"
    addresses = {name: f"127.0.0.1:{port}" for name, port in zip(names, _free_ports(), strict=True)}
    targets = {**addresses, "rabbitmq": addresses["rabbitmq_metrics"]}
    del targets["rabbitmq_metrics"]
    config = folder / "scrape.yaml"
    config.write_text(json.dumps(_scrape_config(targets)))
    with ExitStack() as held:
        for command, variables in (
            *_service_commands(folder, addresses),
            *_backend_commands(folder, addresses, config),
        ):
            held.enter_context(_process(command, variables, folder / "log"))
        for path in ("etcd/health", "pushgateway/-/ready", "prometheus/-/ready", "victoria/health",
                     "rabbitmq_metrics/metrics", "rabbitmq/"):  # fmt: skip
            name, _, rest = path.partition("/")
            _await_response(f"http://{addresses[name]}/{rest}")
        yield ForeignServices(addresses)


def _free_ports() -> Iterator[int]:
    with ExitStack() as held:
        yield from [
            held.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(6)
        ]


def _scrape_config(targets: Mapping[str, str]) -> dict[str, object]:
    jobs = [{"job_name": name, "honor_labels": name == "pushgateway",
             "static_configs": [{"targets": [address]}]}
            for name, address in targets.items()]  # fmt: skip
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "900ms"}, "scrape_configs": jobs}


def _service_commands(
    folder: Path, addresses: Mapping[str, str]
) -> Iterator[tuple[Sequence[str], Mapping[str, str]]]:
    etcd = f"http://{addresses['etcd']}"
    yield (
        [_program("etcd"), "--data-dir", str(folder / "etcd"), "--listen-client-urls", etcd,
         "--advertise-client-urls", etcd, "--listen-peer-urls", "http://127.0.0.1:0"],
        {},
    )  # fmt: skip
    yield (
        [_program("prometheus-pushgateway"), f"--web.listen-address={addresses['pushgateway']}"],
        {},
    )
    home = folder / "rabbitmq"
    home.mkdir()
    plugins = home / "enabled"
    plugins.write_text("[rabbitmq_management,rabbitmq_prometheus].\n")
    amqp, distribution, mapper = (str(port) for port in list(_free_ports())[:3])
    # else RabbitMQ starts one that stays when it ends
    yield [_program("/usr/bin/epmd"), "-port", mapper, "-address", "127.0.0.1"], {}
    config = home / "rabbitmq.conf"
    config.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp}\n"
        f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {_port(addresses['rabbitmq'])}\n"
        "prometheus.tcp.ip = 127.0.0.1\n"
        f"prometheus.tcp.port = {_port(addresses['rabbitmq_metrics'])}\n"
    )
    yield (
        [_program("/usr/lib/rabbitmq/bin/rabbitmq-server")],
        {
            "HOME": str(home),
            "ERL_EPMD_PORT": mapper,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"test{amqp}@localhost",
            "RABBITMQ_DIST_PORT": distribution,
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
        },
    )


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _backend_commands(
    folder: Path, addresses: Mapping[str, str], config: Path
) -> Iterator[tuple[Sequence[str], Mapping[str, str]]]:
    yield (
        [str(ROOT / ".cache" / "prometheus"), f"--config.file={config}",
         f"--storage.tsdb.path={folder / 'tsdb'}",
         f"--web.listen-address={addresses['prometheus']}"],
        {},
    )  # fmt: skip
    yield (
        [_program("victoria-metrics"), f"-promscrape.config={config}", "-memory.allowedBytes=64MB",
         f"-storageDataPath={folder / 'victoria'}", f"-httpListenAddr={addresses['victoria']}"],
        {},
    )  # fmt: skip


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {name} here")
    return str(path or name)


@contextmanager
def _process(command: Sequence[str], variables: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            # a killed test leaves nobody behind
            ["setpriv", "--pdeathsig", "KILL", *command], env={**os.environ, **variables},
            stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(_START_TIMEOUT_S)


def _await_response(url: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} never responded")
