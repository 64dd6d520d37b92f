import subprocess
import sys
from pathlib import Path

import pytest
import typer

from commands.shared.command_line import sentence_of
from commands.shared.options import Iterations, Runs, Users
from tests.paths import ROOT


def given(*arguments: str) -> tuple[object, ...]:
    """Return the options that a command line gives."""
    app = typer.Typer()
    found: list[object] = []

    @app.command()
    def show(runs: Runs, users: Users = None, iterations: Iterations = None) -> None:
        found.extend((runs, users, iterations))

    app(list(arguments), standalone_mode=False)
    return tuple(found)


def test_without_options_runs_are_where_the_project_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trial-balance.yaml").write_text("runs: kept\n")
    monkeypatch.chdir(tmp_path)
    assert given("--users", "3") == (Path("kept"), 3, None)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--users", "10001"], "'10001' is not a whole number from 1 to 10,000"),
        (["--iterations", "0"], "'0' is not a whole number of at least 1"),
    ],
)
def test_a_number_that_no_load_can_have_is_refused(arguments: list[str], problem: str) -> None:
    with pytest.raises(typer.TyperException) as refused:
        given(*arguments)
    assert problem in sentence_of(refused.value)


def test_the_options_are_known_before_anything_that_reads_a_project_is_imported() -> None:
    script = "import sys, run; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = ended.stdout.split()
    assert "commands.shared.options" in loaded
    assert {"yaml", "config.models", "config.secrets"}.isdisjoint(loaded)
