"""Options that several commands have, with their defaults from the project."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.shared.command_line import whole_number
from config.program import COMMAND, program_version

if TYPE_CHECKING:
    from config.project import Project

COUNT = whole_number(0, example=2)


def _project() -> "Project":
    from config.project import find_project  # it needs all that reads YAML; `--help` does not

    return find_project()


_environment = partial(
    typer.Option, "--env", show_default=False,
    help="An environment of the project, or a YAML file. Default: the project's.",
)  # fmt: skip

Env = Annotated[str, _environment(default_factory=lambda: _project().default_environment())]
Watched = Annotated[str, _environment(default_factory=lambda: _project().watched_environment())]
ScenarioName = Annotated[
    str,
    typer.Option("--scenario", default_factory=lambda: _project().default_scenario(),
                 show_default=False,
                 help="A scenario of the project, or a YAML file. Default: the project's."),
]  # fmt: skip
ProfileName = Annotated[str, typer.Option(help="One of the scenario's profiles.")]
Users = Annotated[
    int | None,
    typer.Option(parser=whole_number(1, 10_000, 20), metavar="N", help="Instead of the profile's."),
]
Iterations = Annotated[
    int | None,
    typer.Option(parser=whole_number(1, 0, 100), metavar="N", help="Instead of the profile's."),
]
Runs = Annotated[
    Path,
    typer.Option("--runs", default_factory=lambda: _project().runs, show_default=False,
                 help="The folder that runs are written to. Default: the project's, or runs."),
]  # fmt: skip
Fault = Annotated[str, typer.Option(help="A fault to seed into the local stack.")]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document.")]
Live = Annotated[bool, typer.Option("--live", help="Serve a page of the load on loopback.")]
Only = Annotated[list[str] | None, typer.Option(help="A fault to seed; may be given again.")]
RunName = Annotated[str, typer.Argument(help="A run's folder, or its name in the runs folder.")]


def show_version(is_wanted: bool) -> None:
    """Print the version, and exit."""
    if is_wanted:
        print(f"{COMMAND} {program_version()}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=show_version, is_eager=True,
                 help="Print the version and exit."),
]  # fmt: skip
