"""Temporary folders that are gone at the latest when the next one is made.

A process that is killed removes nothing. So each user of a folder holds a lock on it, which the
kernel releases however that process ends; the next one removes the folders that nobody holds.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_RANDOM = "[a-z0-9_]" * 8  # what mkdtemp puts after the prefix
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def temporary_folder(prefix: str, *, keep_on_error: bool = False) -> Iterator[Path]:
    """Make a folder, and remove it after the block; remove abandoned ones of the prefix first.

    With `keep_on_error`, it stays for a reader of its logs, until the next one is made.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}{_RANDOM}"):
        _remove_if_abandoned(folder)
    with ExitStack() as held:
        folder, is_kept = _make_locked(prefix, held), False
        try:
            yield folder
        except Exception:
            is_kept = keep_on_error
            raise
        finally:
            if not is_kept:
                shutil.rmtree(folder, ignore_errors=True)


def _make_locked(prefix: str, held: ExitStack) -> Path:
    """Make a folder, and hold its lock; another process may remove it before it is locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, _OPEN_FOLDER)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder


def _remove_if_abandoned(folder: Path) -> None:
    """Remove a folder of this user that no process holds."""
    with suppress(OSError), ExitStack() as held:
        descriptor = os.open(folder, _OPEN_FOLDER)
        held.callback(os.close, descriptor)
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
