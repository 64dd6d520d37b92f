"""Tests of reporting that a service went down or came up again."""

import io
import sys
import time
from pathlib import Path

import pytest

from commands.shared.state_changes import StateReporter, read_command
from config.errors import ConfigError
from reports.progress import Progress
from scenarios.driver.prober import StateChange

DOWN = StateChange("shop", 1764230400.0, "status 503")
HANGS_S = 60.0


def wait_for(stream: io.StringIO, text: str) -> None:
    deadline = time.monotonic() + HANGS_S
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.01)


def test_a_change_is_one_line() -> None:
    stream = io.StringIO()
    StateReporter(Progress(stream), ())(DOWN)
    assert stream.getvalue() == "x shop is down since 2025-11-27 08:00:00 UTC: status 503\n"


def test_the_command_is_called_with_the_change_in_its_environment(tmp_path: Path) -> None:
    script = (
        "import os, sys; names = 'SERVICE', 'STATE', 'AT', 'ERROR';"
        "file = open(sys.argv[1] + '.new', 'w');"
        "file.write('|'.join(os.environ['TRIAL_BALANCE_' + name] for name in names));"
        "file.close(); os.rename(file.name, sys.argv[1])"
    )
    called = tmp_path / "called"
    command = [sys.executable, "-c", script, str(called)]
    StateReporter(Progress(io.StringIO()), command)(DOWN)
    deadline = time.monotonic() + HANGS_S
    while not called.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    words = called.read_text().split("|")
    assert words == ["shop", "down", "2025-11-27T08:00:00+00:00", "status 503"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [(["/nowhere/notify"], "--on-change /nowhere/notify: "),
     (["false"], "--on-change false exited with 1")],
)  # fmt: skip
def test_a_command_that_fails_is_one_line_and_ends_nothing(
    command: list[str], expected: str
) -> None:
    stream = io.StringIO()
    StateReporter(Progress(stream), command)(DOWN)
    wait_for(stream, expected)


def test_a_command_is_split_as_a_shell_would() -> None:
    assert read_command("notify --to 'on call'") == ["notify", "--to", "on call"]
    assert read_command("") == []


def test_a_quote_that_does_not_end_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"--on-change .*No closing quotation"):
        read_command("notify 'on call")
