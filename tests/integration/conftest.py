"""Fixtures of the integration tests: the real command, started and never left behind."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.command import Command, Start
from tests.integration.load_shop import OpenShop, opened_shop
from tests.paths import ROOT


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    commands: list[Command] = []

    def begin(*arguments: str, **variables: str) -> Command:
        commands.append(Command(tmp_path / "runs", *arguments, **variables))
        return commands[-1]

    yield begin
    for command in commands:
        for process in command.started():
            with suppress(psutil.NoSuchProcess):  # it may end by itself meanwhile
                process.kill()
        command.process.communicate()


@pytest.fixture
def long_scenario(tmp_path: Path) -> str:
    """The shipped scenario, with enough iterations for something to happen meanwhile.

    Its objectives are a minute, so that a slow machine does not decide the verdict.
    """
    text = (ROOT / "scenarios" / "usage_tracking.yaml").read_text()
    for before, after in {
        "iterations: 100}": "iterations: 300}",
        "    counts: {sessions: 1}": "    timeout: 2s\n    counts: {sessions: 1}",
        "{p50: 500ms, p95: 2.5s, p99: 5s}": "{p95: 60s}",
        "{step: iteration, p95: 2.5s}": "{step: iteration, p95: 60s}",
    }.items():
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "long.yaml"
    path.write_text(text)
    return str(path)


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Open shops that are closed with the test."""
    with ExitStack() as held:
        yield lambda *options: held.enter_context(opened_shop(tmp_path, *options))
