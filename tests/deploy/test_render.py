"""Tests of the rendered configurations of nginx and Prometheus."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from config.network import Network
from scenarios.http.transport import open_client
from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.secured_servers import find_program, free_port, sign
from tests.tiny_server import Canned, serving

TOPOLOGY = {
    "ONBOARDING_REPLICAS": "127.0.0.1:8101",
    "CARDS_REPLICAS": "127.0.0.1:8102 127.0.0.1:8112",
    "WORKFLOW_REPLICAS": "127.0.0.1:8103",
    "PROMETHEUS_ADDRESS": "127.0.0.1:9090",
    "TLS_CERTIFICATE": "/etc/deploy/server.pem",
    "TLS_KEY": "/etc/deploy/server.key",
    "OPERATIONS_TOKEN": "a-token-of-this-test-0123",
}


def render(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["python3", ROOT / "deploy" / "render.py", folder],
        env={**os.environ, **TOPOLOGY, **changes},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def test_nginx_and_prometheus_take_what_is_rendered(tmp_path: Path) -> None:
    made = sign(tmp_path / "tls", "DNS:staging-cards.fylle.ai")
    run_folder = tmp_path / "nginx"
    run_folder.mkdir()
    done = render(tmp_path, TLS_CERTIFICATE=str(made.certificate), TLS_KEY=str(made.key),
                  RUN_FOLDER=str(run_folder))  # fmt: skip
    assert done.returncode == 0, done.stderr
    nginx = subprocess.run(
        [find_program("nginx"), "-t", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert nginx.returncode == 0, nginx.stderr
    config = yaml.safe_load((tmp_path / "prometheus.yaml").read_text())
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "onboarding",
        "cards",
        "workflow",
    ]
    assert config["scrape_configs"][1]["static_configs"][0]["targets"] == [
        "127.0.0.1:8102", "127.0.0.1:8112",
    ]  # fmt: skip
    assert (tmp_path / "nginx.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"CARDS_REPLICAS": ""}, "CARDS_REPLICAS must be the HOST:PORT of each replica"),
        ({"CARDS_REPLICAS": "a:1; evil"}, "CARDS_REPLICAS must be the HOST:PORT of each replica"),
        ({"OPERATIONS_TOKEN": "short"}, "OPERATIONS_TOKEN must be at least 16"),
        ({"OPERATIONS_TOKEN": 'a" 1; } evil {{{{{{'}, "OPERATIONS_TOKEN must be at least 16"),
        ({"TLS_KEY": ""}, "TLS_KEY must be an absolute path"),
        ({"SCRAPE_INTERVAL": "often"}, "SCRAPE_INTERVAL must be as 15s"),
        ({"DOMAIN": "a;b"}, "DOMAIN must be a domain's name"),
    ],
)
def test_an_invalid_topology_is_reported_in_one_sentence_without_a_secret(
    tmp_path: Path, changes: dict[str, str], expected: str
) -> None:
    done = render(tmp_path / "to", **changes)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "evil" not in done.stderr
    assert not (tmp_path / "to").exists()


TOKEN = "Ab.c+D~e_F/g=0123456"
NOT_THE_TOKEN = [
    "", TOKEN, f"Bearer {TOKEN.lower()}", f"Bearer {TOKEN.upper()}", f"bearer {TOKEN}",
    f"Bearer {TOKEN.swapcase()}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}6", f"x Bearer {TOKEN}",
    f"Bearer {TOKEN.replace('.', 'x')}", f"Bearer {TOKEN.replace('c+', 'cc')}", f"Bearer  {TOKEN}",
    f"Basic {TOKEN}", "Bearer .*",
]  # fmt: skip


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[httpx.Client]:
    """Run nginx with a token of both cases in front of a server that responds to everything."""
    made = sign(tmp_path / "tls", "DNS:staging-prometheus.fylle.ai")
    (tmp_path / "nginx").mkdir()
    listen = f"127.0.0.1:{free_port()}"
    with serving({"/api": Canned("{}")}) as upstream:
        done = render(
            tmp_path, TLS_CERTIFICATE=str(made.certificate), TLS_KEY=str(made.key), LISTEN=listen,
            RUN_FOLDER=str(tmp_path / "nginx"), OPERATIONS_TOKEN=TOKEN,
            INSIDE=f"127.0.0.1:{free_port()}",
            PROMETHEUS_ADDRESS=upstream.url.removeprefix("http://"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        command = [find_program("nginx"), "-c", f"{tmp_path}/nginx.conf", "-g", "daemon off;"]
        nginx = subprocess.Popen(command)
        network = Network({"staging-prometheus.fylle.ai": listen}, str(made.ca))
        try:
            await_listener(listen, nginx)
            with open_client(network, 10.0) as client:
                yield client
        finally:
            nginx.terminate()
            nginx.wait(HANGS_S)


def await_listener(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + HANGS_S
    while True:
        try:
            socket.create_connection((host, int(port))).close()
        except ConnectionRefusedError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


def test_nginx_accepts_the_operations_token_only_exactly_as_it_is(proxy: httpx.Client) -> None:
    url = "https://staging-prometheus.fylle.ai/api"
    assert proxy.get(url, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert proxy.get(url).status_code == 401
    for sent in NOT_THE_TOKEN:
        assert proxy.get(url, headers={"Authorization": sent}).status_code == 401, sent
