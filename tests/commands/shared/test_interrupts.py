"""The first signal and the next one, in a process of its own: by what it does when they come."""

import json
import signal
import subprocess
import sys

import pytest

from tests.paths import ROOT

HEAD = """
import os, signal, sys
from commands.shared.interrupts import INTERRUPTS
from config.program import check_command
INTERRUPTS.install(is_json=True)
def receive(number):
    signal.raise_signal(number)
"""
INT, TERM = int(signal.SIGINT), int(signal.SIGTERM)


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HEAD + script],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("number", [INT, TERM])
def test_at_the_start_the_first_signal_ends_the_process_with_one_document(number: int) -> None:
    ended = run(f"receive({number})\nprint('it went on')")
    assert ended.returncode == 3
    assert json.loads(ended.stdout) == {
        "exit_code": 3, "problems": ["interrupted, and nothing is proven"],
    }  # fmt: skip
    assert ended.stderr == "interrupted, and nothing is proven\n"


def test_a_process_whose_environment_ignores_sigint_is_interrupted_too() -> None:
    ended = run(f"signal.signal({INT}, signal.SIG_IGN)\n"
                f"INTERRUPTS.install(is_json=False)\nreceive({INT})")  # fmt: skip
    assert (ended.returncode, ended.stdout) == (3, "")


def test_signals_are_handled_before_anything_slow_is_imported() -> None:
    script = "import sys, commands.shared.interrupts; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert {"typer", "pydantic", "yaml"}.isdisjoint(ended.stdout.split())


@pytest.mark.parametrize("is_held", [True, False])
def test_a_signal_that_was_held_is_raised_later(is_held: bool) -> None:
    held = f"INTERRUPTS.hold()\nreceive({INT})\nprint('held')\n" if is_held else ""
    ended = run(
        f"{held}try:\n INTERRUPTS.raise_on_signal()\n {'' if is_held else f'receive({INT})'}\n"
        "except KeyboardInterrupt:\n print('raised', INTERRUPTS.first.name)"
    )
    assert ended.stdout.splitlines()[-1] == "raised SIGINT"
    assert ("held" in ended.stdout) is is_held
    assert ended.returncode == 0


def test_during_a_load_the_first_signal_calls_and_raises_nothing() -> None:
    ended = run(
        "INTERRUPTS.raise_on_signal()\n"
        f"with INTERRUPTS.calling(lambda: print('stop')):\n receive({TERM})\n print('goes on')\n"
        "print(INTERRUPTS.first.name)"
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["stop", "goes", "on", "SIGTERM"])


@pytest.mark.parametrize(("first", "second"), [(INT, INT), (INT, TERM), (TERM, INT)])
@pytest.mark.parametrize(
    "state",
    [
        "INTERRUPTS.hold()",
        "INTERRUPTS.raise_on_signal(check_command('runs/1'))",
        "INTERRUPTS.calling(lambda: None).__enter__()",
    ],
)
def test_the_second_signal_ends_the_process_at_once_with_one_document(
    state: str, first: int, second: int
) -> None:
    ended = run(
        f"{state}\ntry:\n receive({first})\nexcept KeyboardInterrupt:\n pass\n"
        f"receive({second})\nprint('it went on')"
    )
    assert ended.returncode == json.loads(ended.stdout)["exit_code"] == 130
    assert "interrupted twice" in json.loads(ended.stdout)["problems"][0]
    assert ("run.py check runs/1" in ended.stderr) is ("runs/1" in state)


def test_a_document_that_is_being_printed_is_not_torn_and_none_follows_it() -> None:
    """The reader takes nothing before both signals have come: the print is blocked until then."""
    script = HEAD + (
        "INTERRUPTS.raise_on_signal()\nsys.stderr.write('printing\\n')\n"
        "INTERRUPTS.print_document('{\"a\": \"' + 'x' * 1000000 + '\"}')\n"
        "sys.exit(7)"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    assert process.stdout
    assert process.stdout.read(1) == "{"  # it prints
    process.send_signal(INT)
    text = "{" + process.stdout.read()
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (7, "printing\n")
    assert len(json.loads(text)["a"]) == 1_000_000


def test_after_the_document_no_other_one_is_printed() -> None:
    ended = run(
        f"INTERRUPTS.hold()\nreceive({INT})\nINTERRUPTS.print_document('{{}}')\n"
        f"receive({INT})\nreceive({INT})\nprint('it went on')"
    )
    assert (ended.returncode, ended.stdout) == (130, "{}\n")
