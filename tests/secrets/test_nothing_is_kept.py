"""Secrets in every place, echoed in every form: none is kept, printed or passed on."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest

from tests.paths import ROOT
from tests.secrets.hostile_shop import (
    FORM_TOKEN,
    FORMS,
    HEADER_TOKEN,
    LOGIN_TOKEN,
    METRIC,
    OAUTH_TOKEN,
    SESSION,
    HostileShop,
    hostile_shop,
)

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


@dataclass(frozen=True)
class Place:
    """Files with secrets; `unheard` are those that the shop is never sent."""

    environment: str
    scenario: str
    variables: dict[str, str]
    secrets: tuple[str, ...]
    unheard: frozenset[str]
    profiles: tuple[str, str]


_UNHEARD = ("DATABASE_PASSWORD", "DATABASE_USER", "QUERY_PASSWORD", "PROMETHEUS_USER", "HOOK")
IN_HEADERS = Place(
    ENVIRONMENT.replace("{own}", "\n".join(f'  X-Own-{name}: "${{{{{name}}}}}"' for name in OWN)),
    SCENARIO, VARIABLES, SECRETS,
    frozenset({*(VARIABLES[name] for name in _UNHEARD), LOGIN_TOKEN, VARIABLES["COOKIE"]}),
    ("once", "load"),
)  # fmt: skip

_NAMES = (
    "CLIENT_ID", "CLIENT_SECRET", "TOKEN_QUERY", "KEY_IN_QUERY", "KEY_IN_HEADER", "BASIC_PASSWORD",
    "BEARER", "BASIC_USER", "METRICS_BEARER", "IN_PATH", "IN_QUERY", "IN_HEADER", "IN_JSON",
    "IN_FORM", "IN_PART", "IN_TEXT", "IN_SETUP", "IN_USER_SETUP", "IN_TEARDOWN", "IN_POLL",
)  # fmt: skip
CREDENTIALS = {name: f"{name[-4:]}{80 + at}.se/C+ret=~x" for at, name in enumerate(_NAMES)}
ROWS = [(f"customer{n}", f"row-Passw0rd/{n}+x", f"r0w-pin={n}&y") for n in range(8)]
CREDENTIALS_ENVIRONMENT = """\
environment: hostile
services:
  shop:
    url: "{url}"
    health: /health
    probe: /probe
    metrics: ["{url}/metrics"]
    metrics_headers: {{Authorization: "Bearer ${{METRICS_BEARER}}"}}
    auth:
      oauth2: {{token_url: "{url}/token?tenant=${{TOKEN_QUERY}}", client_id: "${{CLIENT_ID}}",
                client_secret: "${{CLIENT_SECRET}}", style: body}}
  queried: {{url: "{url}", auth: {{api_key: {{query: code, value: "${{KEY_IN_QUERY}}"}}}}}}
  headed: {{url: "{url}", auth: {{api_key: {{header: X-Code, value: "${{KEY_IN_HEADER}}"}}}}}}
  basic:
    url: "{url}"
    auth: {{basic: {{username: "${{BASIC_USER}}", password: "${{BASIC_PASSWORD}}"}}}}
  bearer: {{url: "{url}", auth: {{bearer: "${{BEARER}}"}}}}
prometheus: {{url: "{url}", timeout: 5s}}
tenant: acme
load: {{allowed: true}}
"""
CREDENTIALS_SCENARIO = f"""\
scenario: hostile
quantities:
  orders: {{by: [kind], prometheus: {METRIC}}}
data:
  customers: {{file: customers.csv}}
setup:
  - {{step: begin, request: POST shop /login, text: "${{IN_SETUP}}", save: {{run_token: access}}}}
user_setup:
  - step: open a session
    request: POST shop /session
    form: {{of: "${{IN_USER_SETUP}}", by: "{{{{ run_token }}}}"}}
    save:
      sid: {{cookie: sid}}
      user_token: {{header: X-Token}}
      csrf: {{text: 'name="csrf" value="([^"]+)"'}}
flow:
  - step: key in the query
    request: GET queried /a/${{IN_PATH}}
    query: {{about: "${{IN_QUERY}}", password: "{{{{ customers.password }}}}"}}
    headers: {{X-Of-Step: "${{IN_HEADER}}", X-Pin: "{{{{ customers.pin }}}}"}}
  - {{step: key in a header, request: POST headed /a, json: {{deep: [{{it: "${{IN_JSON}}"}}]}}}}
  - {{step: basic, request: POST basic /a, form: {{it: "${{IN_FORM}}", token: "{{{{ csrf }}}}"}}}}
  - {{step: bearer, request: POST bearer /a, multipart: {{it: "${{IN_PART}}"}}}}
  - {{step: text, request: POST shop /a, text: "${{IN_TEXT}}"}}
  - step: poll
    request: GET shop /a
    headers: {{X-Poll: "${{IN_POLL}}", X-Token: "{{{{ user_token }}}}"}}
    until: {{status: 200, every: 5ms, within: 1s}}
  - step: order
    request: GET shop /order/{{{{ iteration }}}}
    headers: {{X-Token: "{{{{ user_token }}}}", X-Run: "{{{{ run_token }}}}"}}
    expect: {{json: {{state: done}}}}
    counts: {{orders: {{card: 1}}}}
teardown:
  - {{step: end, request: POST shop /a, text: "${{IN_TEARDOWN}}"}}
profiles:
  once: {{users: 1, iterations: 40}}
  load: {{users: 2, iterations: 60, abort: {{success_rate: 0%}}}}
"""
IN_CREDENTIALS = Place(
    CREDENTIALS_ENVIRONMENT, CREDENTIALS_SCENARIO, CREDENTIALS,
    (*CREDENTIALS.values(), LOGIN_TOKEN, OAUTH_TOKEN, SESSION, HEADER_TOKEN, FORM_TOKEN,
     *(secret for _, *row in ROWS for secret in row)),
    frozenset(), ("once", "load"),
)  # fmt: skip


def found_in(content: bytes, secrets: Iterable[str]) -> set[str]:
    """Return the forms of secrets in bytes; parts of Base64 that neighbours share are left out."""
    lower = content.lower()
    found = set()
    for secret in secrets:
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


def run(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True,
        check=False, timeout=600,
    )  # fmt: skip


def write_files(folder: Path, shop: HostileShop, place: Place) -> tuple[str, ...]:
    (folder / "e.yaml").write_text(place.environment.format(url=shop.url))
    (folder / "s.yaml").write_text(place.scenario)
    rows = "".join(f"{name},{password},{pin}\n" for name, password, pin in ROWS)
    (folder / "customers.csv").write_text(f"id,password,pin\n{rows}")
    return "--env", f"{folder}/e.yaml", "--scenario", f"{folder}/s.yaml"


def kept_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (folder / "runs").rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()


@pytest.mark.parametrize("place", [IN_HEADERS, IN_CREDENTIALS], ids=["headers", "credentials"])
def test_sixty_secrets_are_found_in_nothing_that_is_kept_printed_or_passed_on(
    tmp_path: Path, place: Place
) -> None:
    assert len({*IN_HEADERS.secrets, *IN_CREDENTIALS.secrets}) >= 100
    outputs: dict[str, bytes] = {}
    once, load = place.profiles
    with hostile_shop() as shop, watched_command_lines() as command_lines:
        files, runs = write_files(tmp_path, shop, place), ("--runs", f"{tmp_path}/runs")
        for name, words in {
            "doctor": ("doctor", *files),
            "e2e": ("e2e", *files, "--profile", once, *runs),
            "load": ("load", *files, "--profile", load, "--workers", "2", "--json", *runs),
            "check": ("check", "latest", *runs),
            "report": ("report", "latest", *runs),
            "watch": ("watch", *files, "--once", *runs),
            "validate": ("validate", *files),
            "doctor of a shop that is down": ("doctor", *files, "--json"),
        }.items():
            shop.is_down = "down" in name
            ended = run(place.variables, *words)
            outputs[name] = ended.stdout + ended.stderr
            assert ended.returncode in (0, 1, 3), outputs[name].decode()
        heard = set(shop.heard)
    unheard = {each for each in place.secrets if not any(each in value for value in heard)}
    assert unheard <= place.unheard
    outputs |= dict(kept_in(tmp_path)) | {"command lines": b"\n".join(command_lines)}
    assert any("exchanges" in name for name in outputs)
    assert b"***" in outputs["load"]
    found = {name: found_in(each, place.secrets) for name, each in outputs.items()}
    assert {name: forms for name, forms in found.items() if forms} == {}
