"""Fixtures that start scripts and kill them after the test."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.scripts.script_process import WaitingScript


class Start(Protocol):
    """Start a script with environment variables."""

    def __call__(
        self, *command: str | Path, stdin: int = subprocess.DEVNULL, **variables: str
    ) -> WaitingScript: ...


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[WaitingScript] = []

    def begin(
        *command: str | Path, stdin: int = subprocess.DEVNULL, **variables: str
    ) -> WaitingScript:
        started.append(WaitingScript(list(command), variables, stdin))
        return started[-1]

    yield begin
    for script in started:
        script.kill()
