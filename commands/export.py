"""Write a run's tables to files that other tools read."""

from collections.abc import Sequence
from pathlib import Path

from checks.case import read_case
from checks.history.store import history_path, read_history, runs_alike
from commands.shared.interrupts import INTERRUPTS
from commands.shared.judged_run import read_judged
from config.errors import ConfigError, Problem
from config.extras import EXPORT, missing_packages
from reports.export import Exported, Format, exported_json, runs_table, tables_of, write_tables
from reports.formatting import render_number_of
from scenarios.evidence.run_folder import find_run_folder

FOLDER = "export"


def export(
    run: str, runs: Path, form: Format, wanted: Sequence[str], output: Path | None, as_json: bool
) -> None:
    """Write the wanted tables, or all, into a folder (default: the run's). Raises ConfigError."""
    if missing := missing_packages(EXPORT):
        raise ConfigError(Problem(None, None, missing))
    from reports.frames import Frames
    from reports.otava import otava_tables
    from reports.time_series import time_series

    folder = find_run_folder(runs, run)
    case = read_case(folder)
    frames = Frames(case, read_judged(folder))
    try:
        entries = read_history(history_path(folder))
    except OSError:
        entries = ()  # a run that was carried elsewhere has no history
    if form is Format.OTAVA:
        tables = otava_tables(time_series(frames.exchanges), runs_alike(entries, case.run))
    else:
        tables = tables_of(frames) | {"runs": runs_table(entries)}
    for name in wanted:
        if name not in tables:
            message = f"there is no table {name!r}; there are {', '.join(tables)}"
            raise ConfigError(Problem(None, None, message))
    chosen = {name: tables[name] for name in wanted or tables}
    where = output or folder.path / FOLDER
    try:
        exported = write_tables(chosen, form, where)
    except OSError as error:
        message = f"the tables cannot be written here: {error.strerror or error}"
        raise ConfigError(Problem(where, None, message)) from error
    if as_json:
        INTERRUPTS.print_document(exported_json(exported))
    else:
        print("\n".join(map(_line, exported)))


def format_of(name: str) -> Format:
    """Return a format by its name. Raises ConfigError."""
    try:
        return Format(name)
    except ValueError as error:
        *others, last = Format
        message = f"--format: there is no format {name!r}; write {', '.join(others)} or {last}"
        raise ConfigError(Problem(None, None, message)) from error


def _line(each: Exported) -> str:
    return f"{each.table:<12} {each.left_out or render_number_of(each.rows, 'row')}  {each.path}"
