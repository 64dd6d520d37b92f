"""Fixtures of the scripts' tests: what was started is never left behind."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.scripts.calling import Waiting


class Start(Protocol):
    """Starts a script, with the variables that are given."""

    def __call__(
        self, *command: str | Path, stdin: int = subprocess.DEVNULL, **variables: str
    ) -> Waiting: ...


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Waiting] = []

    def begin(*command: str | Path, stdin: int = subprocess.DEVNULL, **variables: str) -> Waiting:
        started.append(Waiting(list(command), variables, stdin))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
