"""Renders the configurations of nginx and Prometheus for a deployment.

    python3 deploy/render.py FOLDER

writes nginx.conf and prometheus.yaml into the folder, from the environment variables that
`read_topology` reads. It needs the standard library only. It exits with 2 and one sentence if a
variable is invalid.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("onboarding", "cards", "workflow")

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")
_PATH_OR_NONE = re.compile(rf"({_PATH.pattern})?")
_INTERVAL = re.compile(r"[1-9][0-9]*(ms|s|m)")


class TopologyError(Exception):
    """A variable is missing or invalid; the message names it and the expected form."""


@dataclass(frozen=True)
class Topology:
    """Addresses, paths and options of one deployment.

    Addresses are HOST:PORT, paths as nginx and Prometheus see them. `inside` is where the services
    reach the replicas of Cards, without TLS.
    """

    listen: str
    inside: str
    domain: str
    replicas: Mapping[str, tuple[str, ...]]
    prometheus: str
    certificate: str
    key: str
    operations_token: str
    scrape_interval: str
    rules: str
    run_folder: str


def read_topology(variables: Mapping[str, str]) -> Topology:
    """Read the topology from environment variables. Raises TopologyError."""
    return Topology(
        listen=_matching(variables, "LISTEN", _ADDRESS, "HOST:PORT", "127.0.0.1:8443"),
        inside=_matching(variables, "INSIDE", _ADDRESS, "HOST:PORT", "127.0.0.1:8080"),
        domain=_matching(variables, "DOMAIN", _DOMAIN, "a domain's name", "fylle.ai"),
        replicas={name: _addresses(variables, f"{name.upper()}_REPLICAS") for name in SERVICES},
        prometheus=_matching(variables, "PROMETHEUS_ADDRESS", _ADDRESS, "HOST:PORT"),
        certificate=_matching(variables, "TLS_CERTIFICATE", _PATH, "an absolute path"),
        key=_matching(variables, "TLS_KEY", _PATH, "an absolute path"),
        operations_token=_matching(
            variables, "OPERATIONS_TOKEN", _TOKEN, "at least 16 letters, digits or ._~+/=-"
        ),
        scrape_interval=_matching(variables, "SCRAPE_INTERVAL", _INTERVAL, "as 15s", "15s"),
        rules=_matching(variables, "RULES", _PATH_OR_NONE, "an absolute path"),
        run_folder=_matching(variables, "RUN_FOLDER", _PATH, "an absolute path", "/tmp/nginx"),  # noqa: S108 - nginx's own, in its container
    )  # fmt: skip


def _matching(
    variables: Mapping[str, str], name: str, form: re.Pattern[str], expected: str, default: str = ""
) -> str:
    value = variables.get(name) or default
    if not form.fullmatch(value):  # the value is not shown: it may be a secret
        raise TopologyError(f"{name} must be {expected}.")
    return value


def _addresses(variables: Mapping[str, str], name: str) -> tuple[str, ...]:
    addresses = tuple(variables.get(name, "").split())
    if not addresses or not all(map(_ADDRESS.fullmatch, addresses)):
        raise TopologyError(f"{name} must be the HOST:PORT of each replica, separated by spaces.")
    return addresses


def render_nginx(topology: Topology) -> str:
    """Render nginx.conf: TLS, one host per service, and the metrics of each replica separately."""
    folder = topology.run_folder
    temporary = "\n".join(
        f"    {name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
{temporary}
    client_max_body_size 1100k;    # the services themselves refuse above 1 MiB, in the error form
    ssl_certificate {topology.certificate};
    ssl_certificate_key {topology.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_connect_timeout 2s;
    # Skips a replica that cannot be reached; never repeats a POST that was sent.
    proxy_next_upstream error;
    map_hash_bucket_size 256;
    map $http_authorization $is_operator {{
        default 0;
        # Without ~, a map compares without regard to case.
        "~^Bearer {re.escape(topology.operations_token)}$" 1;
    }}

{"".join(_upstream(name, topology.replicas[name]) for name in SERVICES)}
    server {{
        listen {topology.listen} ssl default_server;
        return 421;
    }}
{"".join(_service(topology, name) for name in SERVICES)}
    server {{
        listen {topology.listen} ssl;
        server_name staging-prometheus.{topology.domain};
        location / {{
            if ($is_operator = 0) {{ return 401; }}
            proxy_pass http://{topology.prometheus};
        }}
    }}
    server {{    # calls between the services
        listen {topology.inside};
        location / {{ proxy_pass http://cards; }}
        location = /metrics {{ return 404; }}
    }}
}}
"""


def _upstream(name: str, replicas: tuple[str, ...]) -> str:
    # max_fails=0: with one replica down, nginx must not consider the other down as well.
    servers = "\n".join(f"        server {replica} max_fails=0;" for replica in replicas)
    # nginx closes idle connections before the service does (30 s): no request hits a closed one.
    return f"""\
    upstream {name} {{
        least_conn;
{servers}
        keepalive 32;
        keepalive_timeout 10s;
    }}
"""


def _service(topology: Topology, name: str) -> str:
    metrics = "\n".join(
        f"""\
        location = /replicas/{number}/metrics {{
            if ($is_operator = 0) {{ return 401; }}
            proxy_pass http://{address}/metrics;
        }}"""
        for number, address in enumerate(topology.replicas[name], 1)
    )
    return f"""\
    server {{
        listen {topology.listen} ssl;
        server_name staging-{name}.{topology.domain};
        location / {{ proxy_pass http://{name}; }}
        location = /metrics {{ return 404; }}    # ambiguous: use /replicas/N/metrics
{metrics}
    }}
"""


def render_prometheus(topology: Topology) -> str:
    """Render prometheus.yaml: one job per service, one target per replica."""
    jobs = "\n".join(_job(name, topology.replicas[name]) for name in SERVICES)
    rules = f"rule_files: [{topology.rules}]\n" if topology.rules else ""
    return f"""\
global:
  scrape_interval: {topology.scrape_interval}
  scrape_timeout: {topology.scrape_interval}
  evaluation_interval: {topology.scrape_interval}
{rules}scrape_configs:
{jobs}
"""


def _job(name: str, replicas: tuple[str, ...]) -> str:
    targets = ", ".join(f'"{replica}"' for replica in replicas)
    return f"""\
  - job_name: {name}
    static_configs:
      - targets: [{targets}]"""


def main(arguments: list[str]) -> int:
    """Write both files and return the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        topology = read_topology(os.environ)
    except TopologyError as error:
        print(f"render.py: {error}", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "nginx.conf", render_nginx(topology))  # contains a token
    _write(folder / "prometheus.yaml", render_prometheus(topology))
    return 0


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
