"""A load in a child process: start, progress, errors and stop, and the address for workers."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.redaction import Secrets
from scenarios.driver.load_process import (
    LoadProcess,
    LoadSettings,
    Timeouts,
    Workers,
    load_process,
    remove_unused,
    worker_options,
)


def child(script: str) -> subprocess.Popen[bytes]:
    """Start a child that talks like Locust over its standard input and output."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", f"import sys\n{script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def load(script: str) -> LoadProcess:
    return LoadProcess(child(script), (), Path("load.log"))


def test_a_load_starts_when_locust_is_ready_and_reports_its_progress() -> None:
    process = load(
        "print('noise')\n"
        "print('{\"ready\": true}', flush=True)\n"
        "sys.exit(9) if sys.stdin.readline() != '{\"a\": 1}\\n' else None\n"
        'print(\'{"ended": 1, "scheduled": 3}\', flush=True)\n'
        'print(\'{"ended": 3, "scheduled": null}\', flush=True)\n'
    )
    progress: list[tuple[int, int | None]] = []
    assert process.drive(lambda done, of: progress.append((done, of)), {"a": 1}) == ""
    process.stop()
    assert progress == [(1, 3), (3, None)]


def test_what_the_responses_to_a_load_brought_is_secret_from_then_on() -> None:
    secrets = Secrets()
    script = 'print(\'{"ready": true}\\n{"learned": ["hunter22"]}\', flush=True)'
    process = LoadProcess(child(script), (), Path("load.log"), secrets)
    process.drive(lambda *_: None)
    process.stop()
    assert list(secrets) == ["hunter22"]


def test_a_load_that_is_stopped_is_waited_for_until_its_last_iteration() -> None:
    process = load(
        "print('{\"ready\": true}', flush=True)\n"
        "sys.stdin.readline()\n"
        'print(\'{"ended": 1, "scheduled": 3}\', flush=True)\n'
        "order = sys.stdin.read(1)\n"
        'print(\'{"ended": 2, "scheduled": 3}\' if order == "s" else 0, flush=True)\n'
    )
    progress: list[int] = []

    def stop_after_one(done: int, _of: int | None) -> None:
        progress.append(done)
        if done == 1:
            process.stop_load()

    assert process.drive(stop_after_one) == ""
    process.stop()
    assert progress == [1, 2]


def test_a_load_that_is_stopped_before_it_is_ready_is_not_waited_for_and_is_no_error() -> None:
    process = load("import time\ntime.sleep(600)")
    process.stop_load()
    assert process.drive(lambda *_: None) == ""
    process.stop()


def test_a_load_that_is_stopped_when_its_process_has_ended_is_left_alone() -> None:
    process = load("print('{\"ready\": true}', flush=True)")
    assert process.drive(lambda *_: None) == ""
    process.stop_load()
    process.stop()


def test_a_generator_that_ends_before_it_is_ready_has_failed() -> None:
    process = load("sys.exit(2)")
    error = process.drive(lambda *_: None)
    process.stop()
    assert error == "the load generator ended with code 2; see load.log"


def test_a_generator_that_was_never_started_ends_with_its_input(tmp_path: Path) -> None:
    process = load(
        "print('{}', flush=True)\n"
        f"open({str(tmp_path / 'left')!r}, 'w').write(repr(sys.stdin.read(1)))\n"
    )
    process.stop()
    assert (tmp_path / "left").read_text() == "''"


@pytest.mark.parametrize(
    ("code", "lines", "error"),
    [
        (0, [], ""),
        (1, [], ""),  # Locust's code for failed requests, which the checks decide about
        (3, [], "the load generator ended with code 3; see load.log"),
        (3, ["a worker was lost"], "a worker was lost"),
        (0, ["one", "two"], "one; two"),
    ],
)
def test_the_error_of_a_load_is_what_it_reported_or_else_its_code(
    code: int, lines: list[str], error: str
) -> None:
    reported = [json.dumps({"ready": True}), *(json.dumps({"error": line}) for line in lines)]
    process = load(f"print({chr(10).join(reported)!r}, flush=True)\nsys.exit({code})")
    assert process.drive(lambda *_: None) == error
    process.stop()


def test_a_generator_that_dies_before_its_start_is_an_error() -> None:
    process = load("sys.stdin.close()\nprint('{\"ready\": true}', flush=True)\nsys.exit(7)")
    assert process.drive(lambda *_: None) == "the load generator ended with code 7; see load.log"
    process.stop()


def test_a_generator_that_ignores_the_end_of_its_input_is_killed() -> None:
    process = child("import time\ntime.sleep(600)")
    LoadProcess(process, (), Path("load.log")).stop()
    assert process.returncode == -signal.SIGKILL


def test_an_address_that_is_taken_is_an_error_and_no_process_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = LoadSettings(
            tmp_path, tmp_path / "s.yaml", tmp_path / "e.yaml", "many", 2, None, "many",
            tmp_path / "many.log", Workers(elsewhere=1, bind=bind),
        )  # fmt: skip
        with (
            pytest.raises(ConfigError, match=f"--bind {bind}: cannot listen there: Address"),
            load_process(settings, {}),
        ):
            pass
    assert not (tmp_path / "many.log").exists()


def test_a_load_has_workers_if_any_are_local_or_remote() -> None:
    assert not Workers()
    assert Workers(here=1)
    assert Workers(elsewhere=1)
    assert Workers(here=1, elsewhere=2).number == 3


def test_a_worker_connects_to_the_address_of_the_master() -> None:
    options = worker_options("10.0.0.5", 5557, Path("runs"), Path("staging.yaml"))
    assert options[options.index("--master-host") + 1] == "10.0.0.5"
    assert options[options.index("--master-port") + 1] == "5557"
    assert options[options.index("--evidence") + 1] == str(Path("runs").resolve())
    assert options[options.index("--environment") + 1] == str(Path.cwd() / "staging.yaml")


def test_an_environment_that_is_a_link_keeps_its_folder_to_which_its_files_are_relative(
    tmp_path: Path,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "e.yaml").touch()
    link = tmp_path / "e.yaml"
    link.symlink_to("elsewhere/e.yaml")
    options = worker_options("10.0.0.5", 5557, tmp_path, link)
    assert options[options.index("--environment") + 1] == str(link)


@pytest.mark.parametrize(
    "script",
    [
        "import time; time.sleep(600)",
        "print('{\"ready\": true}', flush=True); import time; time.sleep(600)",
        "print('{\"ready\": tr', end='', flush=True); import time; time.sleep(600)",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    ],
    ids=["never ready", "silent in the load", "half a line", "suspended"],
)
def test_a_generator_that_writes_nothing_any_more_is_killed_and_named(script: str) -> None:
    process = child(script)
    load = LoadProcess(process, (), Path("load.log"), timeouts=Timeouts(0.3, 0.2, 0.1))
    error = load.drive(lambda *_: None)
    load.stop()
    assert error.startswith("the load generator has not written anything for 0.2 s: suspended?")
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_generator_that_a_signal_ended_is_named_with_the_signal(number: signal.Signals) -> None:
    process = load(
        "import os, signal\n"
        "print('{\"ready\": true}', flush=True)\n"
        f"signal.signal(signal.SIGINT, signal.SIG_DFL)\nos.kill(os.getpid(), {number.value})\n"
    )
    error = process.drive(lambda *_: None)
    process.stop()
    assert error == f"the load generator was ended by {number.name}; see load.log"


def test_only_the_folders_of_workers_that_recorded_nothing_are_removed(tmp_path: Path) -> None:
    for name in ("worker-a", "worker-b"):
        (tmp_path / "workers" / name).mkdir(parents=True)
        (tmp_path / "workers" / name / "scenario.yaml").touch()
    (tmp_path / "workers" / "worker-b" / "load-w2.rows").touch()
    remove_unused(tmp_path / "workers")
    assert [each.name for each in (tmp_path / "workers").iterdir()] == ["worker-b"]
    (tmp_path / "workers" / "worker-b" / "load-w2.rows").unlink()
    remove_unused(tmp_path / "workers")
    assert not (tmp_path / "workers").exists()
    remove_unused(tmp_path / "workers")
