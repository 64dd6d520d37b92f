"""Delete the folders of old runs, where the project file says how long they are kept."""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from config.clock import CLOCK
from config.errors import ConfigError
from config.project import Keep, find_project
from reports.formatting import render_number_of
from reports.progress import Progress

# Runs, audits and stacks that `up` kept.
_FOLDER = re.compile(r"(audit-|up-|)(\d{8}-\d{6})-[0-9a-f]{4}")


def apply_retention(runs: Path, progress: Progress) -> None:
    """Delete what the project no longer keeps in its folder of runs; an error is reported only."""
    with suppress(ConfigError):  # reported when the command began
        project = find_project()
        if project.keep is None or project.runs.resolve() != runs.resolve():
            return
        try:
            deleted = delete_old_runs(runs, project.keep, CLOCK.now())
        except OSError as error:
            progress.note(f"retention: not every old run could be deleted: {error}")
        else:
            if deleted:
                progress.note(f"retention: {render_number_of(deleted, 'old run folder')} deleted")


def delete_old_runs(runs: Path, keep: Keep, now: datetime) -> int:
    """Delete what is older than `keep.days`, and return how many folders that were.

    Of each kind, the newest are kept, however old. A folder that a link in `runs` leads to is kept,
    and one with files that are not old, as of a watch. Raises OSError.
    """
    linked = {path.resolve() for path in runs.iterdir() if path.is_symlink()}
    oldest = now - timedelta(days=keep.days)
    old = [
        folder
        for begun, folder in _beyond_newest(runs, keep.at_least)
        if begun < f"{oldest:%Y%m%d-%H%M%S}"
        and folder.resolve() not in linked
        and not _is_newer(folder, oldest)
    ]
    for folder in old:
        shutil.rmtree(folder)
    return len(old)


def _beyond_newest(runs: Path, at_least: int) -> Iterator[tuple[str, Path]]:
    """Yield the other folders of each kind, and when they began, as their names have it."""
    names = (_FOLDER.fullmatch(path.name) for path in runs.iterdir() if not path.is_symlink())
    found = sorted(((name[1], name[2], name[0]) for name in names if name), reverse=True)
    for _, same in groupby(found, key=lambda each: each[0]):
        for _, begun, name in list(same)[at_least:]:
            yield begun, runs / name


def _is_newer(folder: Path, oldest: datetime) -> bool:
    """Return whether a run has a file that was written after an instant."""
    since = oldest.timestamp()
    return any(path.lstat().st_mtime >= since for path in folder.rglob("*"))
