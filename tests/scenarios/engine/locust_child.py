"""Run functions of test modules in child processes that Locust has patched, and pytest has not.

One process of pytest starts one `python -m tests.scenarios.engine.locust_child patched`, which
imports Locust once, and forks for each function: to import it takes a second of CPU. Another one,
`unpatched`, has imported gevent alone.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.paths import ROOT

_HANGS_S = 120
_forking: dict[str, subprocess.Popen[str]] = {}  # by kind

ENVIRONMENT = """
environment: test
services: {{shop: {{url: "{url}"}}}}
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""


def in_locust_child(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function of a test module in a child process; return its result."""
    result, _stderr = _called("patched", function, arguments)
    return result


def in_unpatched_child(function: Callable[..., Any], *arguments: object) -> Any:
    """Call a function in a child process that nothing has patched, and that writes no error."""
    result, stderr = _called("unpatched", function, arguments)
    assert stderr == ""
    return result


def _called(kind: str, function: Callable[..., Any], arguments: object) -> tuple[Any, str]:
    """Call a function in a child process; return its result and its stderr."""
    forking = _forking_process(kind)
    assert forking.stdin and forking.stdout
    call = [function.__module__, function.__name__, arguments]
    forking.stdin.write(json.dumps(call, default=str) + "\n")
    forking.stdin.flush()
    line = forking.stdout.readline()
    assert line, f"the forking process has ended: {forking.wait()}"
    code, stdout, stderr = json.loads(line)
    assert code == 0, (code, stderr)
    return json.loads(stdout.splitlines()[-1]), stderr


def _forking_process(kind: str) -> subprocess.Popen[str]:
    if kind not in _forking:
        _forking[kind] = subprocess.Popen(
            [sys.executable, "-m", "tests.scenarios.engine.locust_child", kind],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
    return _forking[kind]


def end_forking() -> None:
    """End the processes that fork, if they were started."""
    for process in _forking.values():
        process.communicate(timeout=_HANGS_S)
    _forking.clear()


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


def _fork(module: str, function: str, arguments: list[Any]) -> tuple[int, str, str]:
    """Call a function in a fork of this process; return how that ended, and what it wrote."""
    called = getattr(importlib.import_module(module), function)
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        child = os.fork()
        if not child:
            signal.alarm(_HANGS_S)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            os._exit(_ended(called, arguments))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read().decode(), stderr.read().decode()


def _ended(function: Callable[..., Any], arguments: list[Any]) -> int:
    """Call a function and print its result; return the exit code."""
    try:
        print(json.dumps(function(*arguments)))
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "patched":
        import locust  # noqa: F401 - first: it patches the process

        for _module in ("worker_role", "master_role", "local_role"):
            importlib.import_module(f"scenarios.engine.{_module}")
    else:
        for _module in ("scenarios.engine.gevent_readiness", "scenarios.http.client"):
            importlib.import_module(_module)
    for _call in sys.stdin:
        print(json.dumps(_fork(*json.loads(_call))), flush=True)
