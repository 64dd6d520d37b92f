"""Sixty secrets in every place, echoed in every form: none is kept, printed or passed on."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.paths import ROOT
from tests.secrets.hostile_shop import FORMS, LOGIN_TOKEN, METRIC, HostileShop, hostile_shop

# Some of the commands wait for a Prometheus that never is in order; a timeout guards only.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

_MIXED = (
    "Ab{0}cd-Ef{0}gh",
    "k{0}/T+w=Q~{0}",
    "p'q\"{0}&r<{0}s",
    "%4{0}1%{0}zz-y",
    "b\\n{0}\\u{0}x",
)
OWN = {f"OWN_{number}": _MIXED[number % 5].format(100 + number) for number in range(36)}
VARIABLES = {
    **OWN,
    "BEARER": "bearer.To-ken_77.aBcDeF",
    "X_AUTH": "x.auth~value-1",
    "SUBSCRIPTION": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "FUNCTIONS": "FuNcTiOn-vAlUe==",
    "COOKIE": "session=CookieValue-99xYz; theme=DarkTheme-12",
    "METRICS_BEARER": "metrics-bearer-31!",
    "METRICS_TOKEN": "metrics_query_token_5",
    "METRICS_KEY": "metrics.key.header.6",
    "PROBE_TOKEN": "probe-query-token-7",
    "HEALTH_KEY": "health-query-key-8",
    "PROMETHEUS_USER": "prom-user-41",
    "PROMETHEUS_PASSWORD": "prom:pass/word-42",
    "PROMETHEUS_KEY": "prom-header-43",
    "DATABASE_PASSWORD": "dbPassw0rd-44",
    "QUERY_PASSWORD": "queryPassw0rd-45",
    "DATABASE_USER": "db-user-46",
    "HOOK": "hook-in-a-path-47",
}
LITERALS = {
    "of a header": "l1teral-step-token",
    "of one's own header": "own-l1teral-header",
    "of a query": "l1teral-query-token",
    "of another query": "an0ther-query-value",
    "of a body": "b0dy-password-1",
    "of a deep body": "b0dy-api-key-2",
}
SECRETS = (
    *VARIABLES.values(), *LITERALS.values(), LOGIN_TOKEN, "CookieValue-99xYz", "DarkTheme-12",
)  # fmt: skip

ENVIRONMENT = """\
environment: hostile
services:
  shop:
    url: "{url}"
    health: "/health?key=${{HEALTH_KEY}}"
    probe: "/probe/${{HOOK}}?token=${{PROBE_TOKEN}}"
    metrics: ["{url}/metrics?token=${{METRICS_TOKEN}}"]
prometheus:
  url: "{url}"
  timeout: 5s
  basic_auth: {{username: "${{PROMETHEUS_USER}}", password: "${{PROMETHEUS_PASSWORD}}"}}
  headers: {{X-Prometheus: "${{PROMETHEUS_KEY}}"}}
databases:
  main: "postgresql://${{DATABASE_USER}}:${{DATABASE_PASSWORD}}@127.0.0.1:1/shop"
  other: "postgresql://me@127.0.0.1:1/shop?password=${{QUERY_PASSWORD}}"
headers:
  Authorization: "Bearer ${{BEARER}}"
  X-Auth: "${{X_AUTH}}"
  Ocp-Apim-Subscription-Key: "${{SUBSCRIPTION}}"
  x-functions-key: "${{FUNCTIONS}}"
  Cookie: "${{COOKIE}}"
{own}
metrics_headers: {{Authorization: "Bearer ${{METRICS_BEARER}}", X-Of-Metrics: "${{METRICS_KEY}}"}}
tenant: acme
load: {{allowed: true}}
"""
SCENARIO = f"""\
scenario: hostile
quantities:
  orders:
    by: [kind]
    prometheus: {METRIC}
    database: {{main: "SELECT 'card', count(*) FROM orders"}}
flow:
  - step: login
    request: POST shop /login?token=l1teral-query-token&of=an0ther-query-value
    headers: {{Authorization: Bearer l1teral-step-token, X-Step: own-l1teral-header}}
    json: {{user: me, password: b0dy-password-1, more: {{api_key: b0dy-api-key-2}}}}
    save: {{it: access}}
  - step: order
    request: GET shop /order/{{{{ iteration }}}}
    headers: {{Authorization: "Bearer {{{{ it }}}}"}}
    expect: {{json: {{state: done}}}}
    counts: {{orders: {{card: 1}}}}
profiles:
  once: {{users: 1, iterations: 40}}
  load: {{users: 2, iterations: 60, abort: {{success_rate: 0%}}}}
checks:
  promql:
    - {{name: few, query: "sum(errors_total)", expect: ">= 0"}}
"""


def found_in(content: bytes) -> set[str]:
    """Return the forms of secrets in bytes; parts of Base64 that neighbours share are left out."""
    lower = content.lower()
    found = set()
    for secret in SECRETS:
        for form in FORMS:
            needle = form(secret).encode()
            is_within = needle.endswith(b"=") or b"Pw" in needle
            if needle[:-6] in content if is_within else needle.lower() in lower:
                found.add(needle.decode())
        if secret[: len(secret) // 2 + 4].encode().lower() in lower:
            found.add(f"half of {secret}")
    return found


@contextmanager
def watched_command_lines() -> Iterator[set[bytes]]:
    """Collect the command lines of all processes during the block."""
    seen, over = set[bytes](), Event()

    def watch() -> None:
        while not over.wait(0.05):
            for process in psutil.process_iter():
                try:
                    seen.add(Path(f"/proc/{process.pid}/cmdline").read_bytes())
                except OSError:
                    continue

    thread = Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT, env={**os.environ, **VARIABLES}, capture_output=True,
        check=False, timeout=600,
    )  # fmt: skip


def write_files(folder: Path, shop: HostileShop) -> tuple[str, ...]:
    own = "\n".join(f'  X-Own-{name}: "${{{name}}}"' for name in OWN)
    (folder / "e.yaml").write_text(ENVIRONMENT.format(url=shop.url, own=own))
    (folder / "s.yaml").write_text(SCENARIO)
    return "--env", f"{folder}/e.yaml", "--scenario", f"{folder}/s.yaml"


def kept_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (folder / "runs").rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()


def test_sixty_secrets_are_found_in_nothing_that_is_kept_printed_or_passed_on(
    tmp_path: Path,
) -> None:
    assert len(SECRETS) >= 60
    outputs: dict[str, bytes] = {}
    with hostile_shop() as shop, watched_command_lines() as command_lines:
        files, runs = write_files(tmp_path, shop), ("--runs", f"{tmp_path}/runs")
        for name, words in {
            "doctor": ("doctor", *files),
            "e2e": ("e2e", *files, "--profile", "once", *runs),
            "load": ("load", *files, "--profile", "load", "--json", *runs),
            "check": ("check", "latest", *runs),
            "report": ("report", "latest", *runs),
            "watch": ("watch", *files, "--once", *runs),
            "validate": ("validate", *files),
            "doctor of a shop that is down": ("doctor", *files, "--json"),
        }.items():
            shop.is_down = "down" in name
            ended = run(*words)
            outputs[name] = ended.stdout + ended.stderr
            assert ended.returncode in (0, 1, 3), outputs[name].decode()
        heard = set(shop.heard)
    unheard = {each for each in SECRETS if not any(each in value for value in heard)}
    assert unheard <= {VARIABLES[name] for name in VARIABLES if "DATABASE" in name} | {
        VARIABLES["QUERY_PASSWORD"], VARIABLES["PROMETHEUS_USER"], VARIABLES["HOOK"], LOGIN_TOKEN,
        VARIABLES["COOKIE"]
    }  # fmt: skip
    outputs |= dict(kept_in(tmp_path)) | {"command lines": b"\n".join(command_lines)}
    assert any("exchanges" in name for name in outputs)
    assert b"***" in outputs["load"]
    assert {name: found for name, each in outputs.items() if (found := found_in(each))} == {}
