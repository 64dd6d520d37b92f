"""Run functions of test modules in a child process that Locust has patched, and pytest has not.

`python -m tests.scenarios.engine.locust_child MODULE FUNCTION JSON` prints the result as JSON.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.paths import ROOT

ENVIRONMENT = """
environment: test
services: {{shop: {{url: "{url}"}}}}
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""


def in_locust_child(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function of a test module in a child process; return its result."""
    command = [sys.executable, "-m", "tests.scenarios.engine.locust_child"]
    ended = subprocess.run(
        [*command, function.__module__, function.__name__, json.dumps(arguments, default=str)],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


def write_task(
    folder: Path, profiles: str, url: str = "http://127.0.0.1:9", path: str = "/", more: str = ""
) -> dict[str, str]:
    """Write a scenario of one step and its environment; return the paths of both files."""
    scenario, environment = folder / "scenario.yaml", folder / "environment.yaml"
    scenario.write_text(
        f"scenario: s\nflow: [{{step: ask, request: 'GET shop {path}'}}]\n"
        f"profiles: {{{profiles}}}\n{more}"
    )
    environment.write_text(ENVIRONMENT.format(url=url))
    return {"scenario": str(scenario), "environment": str(environment)}


if __name__ == "__main__":
    import locust  # noqa: F401 - first: it patches the process

    module = importlib.import_module(sys.argv[1])
    print(json.dumps(getattr(module, sys.argv[2])(*json.loads(sys.argv[3]))))
