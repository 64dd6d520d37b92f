"""Explain in one sentence why a command failed, with the remedy where the system refused it."""

import errno
from pathlib import Path

_FULL = "the disk is full: make room where runs are kept, and run again"
_TOO_MANY_FILES = "too many files are open: raise the limit (ulimit -n), and run again"
_WORDS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "a file may not grow any further: raise the limit (ulimit -f), and run again",
    errno.EMFILE: _TOO_MANY_FILES,
    errno.ENFILE: _TOO_MANY_FILES,
}
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def failure_of(error: Exception) -> str:
    """Return why a command failed; the type of the error only where it is a fault of ours.

    >>> failure_of(OSError(24, "Too many open files"))
    'too many files are open: raise the limit (ulimit -n), and run again'
    """
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    if error.errno in _WORDS:
        return _WORDS[error.errno]
    if error.errno in _READ_ONLY and error.filename:
        place = Path(error.filename).parent
        return f"{place} cannot be written: {error.strerror}; use a folder that can"
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return f"{type(error).__name__}: {error}"
