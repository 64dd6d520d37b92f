"""What is the load engine measured against? An nginx that answers constants, and its own count.

One worker, keep-alive without limit, no log; `stub_status`, at an address of its own, counts what
was served, for every tool alike. CPU time is that of whole process trees.
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
class Instant:
    """What has been by one instant: requests served, and CPU seconds of whom they were spent by."""

    at_s: float
    requests: int
    generator_cpu_s: float
    target_cpu_s: float
    machine_cpu_s: float


class Nginx:
    """A running nginx: where it answers, and what it has served."""

    def __init__(self, process_id: int, address: str, status: str) -> None:
        """Take note of a process and its two addresses."""
        self.process_id = process_id
        self.url = f"http://{address}"
        self._status = f"http://{status}"
        self._looks = 0

    def served(self) -> int:
        """Return how many requests were served so far; looking at it is not one of them."""
        self._looks += 1
        with urlopen(self._status, timeout=_START_S) as answer:  # noqa: S310 - our own
            return served_in(answer.read().decode()) - self._looks

    def look(self, generators: Sequence[int]) -> Instant:
        """Read count and CPU times now; the generators are processes with their descendants."""
        requests, at_s = self.served(), time.monotonic()
        generator_cpu_s = sum(map(tree_cpu_s, generators))
        target_cpu_s = tree_cpu_s(self.process_id)
        return Instant(at_s, requests, generator_cpu_s, target_cpu_s, machine_cpu_s())


def served_in(status: str) -> int:
    """Return the number of requests in a text of `stub_status`. Raises ValueError."""
    found = _REQUESTS.search(status)
    if found is None:
        raise ValueError(f"this is no stub_status: {status!r}")
    return int(found[1])


def tree_cpu_s(process_id: int) -> float:
    """Return user and system time of a process, its living descendants, and those it reaped."""
    root = psutil.Process(process_id)
    total_s = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            total_s += sum(process.cpu_times()[:4])  # user, system, and both of reaped children
        except psutil.NoSuchProcess:
            continue  # it ended meanwhile: its parent has reaped it or will
    return total_s


def machine_cpu_s() -> float:
    """Return how long the machine's cores have been busy, whoever it was for."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.nice + spent.system + spent.irq + spent.softirq)


def free_address() -> str:
    """Return a loopback address where nothing listens at this moment."""
    with socket.create_server((HOST, 0)) as free:
        return f"{HOST}:{free.getsockname()[1]}"


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """Run nginx with its files in a folder; end it with the block."""
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
    """Return the path of nginx; without it there is no benchmark."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit("nginx is not there; install it: apt-get install nginx-light")
    return found


def nginx_version() -> str:
    """Return what nginx calls itself."""
    told = subprocess.run([find_nginx(), "-v"], check=True, capture_output=True, text=True)
    return told.stderr.strip().rpartition("/")[2]


def _wait_until_up(process: subprocess.Popen[bytes], server: Nginx, log: Path) -> None:
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            urlopen(server.url, timeout=_START_S).close()  # noqa: S310 - our own
            return
        except URLError:
            time.sleep(0.02)
    raise SystemExit(f"nginx did not start: {log.read_text()}")
