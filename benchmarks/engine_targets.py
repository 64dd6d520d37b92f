"""Run the target of the engine benchmarks: an nginx with constant responses that counts requests.

It has one worker, unlimited keep-alive and no access log. `stub_status`, on a port of its own,
counts the served requests in the same way for every tool. CPU times are of whole process trees.
"""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

HOST = "127.0.0.1"
CARD_IDS = [f"0b8f1c52-7d1e-4f7a-9a35-5d0c6a2f41b{number}" for number in range(4)]
CREATED = {"session_id": "5f0d6c1e-93ab-4c8e-8d5b-7a1f2c3d4e5f", "status": "created"}
COMPLETED = {"status": "completed", "card_ids": CARD_IDS}
EXECUTED = {"status": "completed", "partial_result": False, "content": "Rockets since 1949. " * 10}

_START_S = 5.0
_REQUESTS = re.compile(r"^ \d+ \d+ (\d+)", re.MULTILINE)
_CONFIGURATION = """\
daemon off; master_process on; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type application/json; server_tokens off;
  keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {address} backlog=4096;
    location = /api/v1/onboarding/sessions {{ return 201 '{created}'; }}
    location /api/v1/onboarding/sessions/ {{ return 200 '{completed}'; }}
    location = /api/v1/workflows/execute {{ return 200 '{executed}'; }}
    location = / {{ return 200 '{{}}'; }}
    location = /health {{ return 200 '{{}}'; }}
  }}
  server {{ listen {status}; location / {{ stub_status; }} }}
}}
"""


@dataclass(frozen=True)
class CounterSnapshot:
    """Counters at one moment: requests served, and CPU seconds of generator, target and machine."""

    at_s: float
    requests: int
    generator_cpu_s: float
    target_cpu_s: float
    machine_cpu_s: float


class Nginx:
    """A running nginx: its URL, and how many requests it has served."""

    def __init__(self, process_id: int, address: str, status: str) -> None:
        """Keep the process id, the address of the target, and that of `stub_status`."""
        self.process_id = process_id
        self.url = f"http://{address}"
        self._status = f"http://{status}"
        self._status_requests = 0

    def served(self) -> int:
        """Return the number of requests served so far, without those to `stub_status`."""
        self._status_requests += 1
        with urlopen(self._status, timeout=_START_S) as response:  # noqa: S310 - our own
            return parse_request_count(response.read().decode()) - self._status_requests

    def snapshot(self, generators: Sequence[int]) -> CounterSnapshot:
        """Read request count and CPU times; `generators` are process ids, descendants included."""
        requests, at_s = self.served(), time.monotonic()
        generator_cpu_s = sum(map(tree_cpu_s, generators))
        target_cpu_s = tree_cpu_s(self.process_id)
        return CounterSnapshot(at_s, requests, generator_cpu_s, target_cpu_s, machine_cpu_s())


def parse_request_count(status: str) -> int:
    """Return the number of requests in the output of `stub_status`. Raises ValueError."""
    match = _REQUESTS.search(status)
    if match is None:
        raise ValueError(f"this is no stub_status: {status!r}")
    return int(match[1])


def tree_cpu_s(process_id: int) -> float:
    """Return user and system time of a process, its live descendants, and its reaped children."""
    root = psutil.Process(process_id)
    total_s = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            total_s += sum(process.cpu_times()[:4])  # user, system, and both of reaped children
        except psutil.NoSuchProcess:
            continue  # it has ended: its parent has reaped it or will
    return total_s


def machine_cpu_s() -> float:
    """Return the busy time of all cores since boot, of all processes."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system + spent.irq + spent.softirq)


def free_address() -> str:
    """Return a loopback address with a port that is free at this moment."""
    with socket.create_server((HOST, 0)) as free:
        return f"{HOST}:{free.getsockname()[1]}"


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Run nginx with its files in a folder; terminate it at the end of the block."""
    address, status = free_address(), free_address()
    texts = {"created": CREATED, "completed": COMPLETED, "executed": EXECUTED}
    bodies = {name: json.dumps(body) for name, body in texts.items()}
    configuration = _CONFIGURATION.format(folder=folder, address=address, status=status, **bodies)
    path = folder / "nginx.conf"
    path.write_text(configuration)
    command = [find_nginx(), "-c", str(path), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            server = Nginx(process.pid, address, status)
            _wait_until_up(process, server, folder / "error.log")
            yield server
        finally:
            process.terminate()


def find_nginx() -> str:
    """Return the path of nginx, or exit with the command that installs it."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit("nginx is not installed: apt-get install nginx-light")
    return found


def nginx_version() -> str:
    """Return the version of nginx."""
    # nginx prints its version on standard error.
    ended = subprocess.run([find_nginx(), "-v"], check=True, capture_output=True, text=True)
    return ended.stderr.strip().rpartition("/")[2]


def _wait_until_up(process: subprocess.Popen[bytes], server: Nginx, log: Path) -> None:
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            urlopen(server.url, timeout=_START_S).close()  # noqa: S310 - our own
            return
        except URLError:
            time.sleep(0.02)
    raise SystemExit(f"nginx did not start: {log.read_text()}")
