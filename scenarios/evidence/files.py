"""Open, read and write the files of a run: no other module does.

A run's folder may come from elsewhere, so nothing in it is trusted. Only regular files are opened:
a link, a FIFO or a device is refused before it is opened, and again once it is open. Sizes are
limited before anything is read, and the members of a JSON document before it is decoded.
"""

import errno
import json
import math
import os
import re
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from config.errors import ConfigError, Problem

MAX_DOCUMENT_BYTES = 64_000_000
MAX_DATA_BYTES = 4_000_000_000
MAX_LINE_BYTES = 1_000_000
_MAX_MEMBERS = 2_000_000
_MAX_ENTRIES = 1_000_000
_MAX_DEPTH = 8
# A recording of lost batches has holes, and a file system may compress: a little is no reason.
_MAX_HOLE_BYTES = 64_000_000
_STATED_BLOCK_BYTES = 512
# counts have twenty; a quotient of more than 300 is an error of Python
_HUGE_NUMBER = re.compile(rb"[:\[,]\s*-?\d{100}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_NAME = re.compile(r"[^/\0]{1,200}")

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def plain_name(name: str) -> str:
    """Return a name that a file of a run may have: no path. Raises ValueError for others."""
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise ValueError(f"{name[:40]!r} is no file name")
    return name


def open_to_read(path: Path, max_bytes: int = MAX_DOCUMENT_BYTES) -> BufferedReader:
    """Open a regular file of limited size. Raises OSError for everything else."""
    file = os.fdopen(_open(path, _READ), "rb")
    status = os.fstat(file.fileno())
    if status.st_size > max_bytes:
        file.close()
        raise OSError(errno.EFBIG, f"it is over {max_bytes:,} bytes", str(path))
    if status.st_size - status.st_blocks * _STATED_BLOCK_BYTES > _MAX_HOLE_BYTES:
        file.close()
        raise OSError(errno.EFBIG, "it is a sparse file", str(path))
    return file


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file, which is created if missing, to write at its end. Raises OSError."""
    descriptor = _open(path, _APPEND)
    if os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        raise OSError(errno.EMLINK, "it has another name elsewhere", str(path))
    return os.fdopen(descriptor, "ab+")


def open_new(path: Path) -> int:
    """Create a file, and return its descriptor. Raises OSError if there is anything already."""
    return os.open(path, _CREATE, 0o644)


def open_to_patch(path: Path) -> int:
    """Open a file, which is created if missing, to write at positions. Raises OSError."""
    return _open(path, _WRITE)


def open_to_pread(path: Path) -> int:
    """Open a regular file to read at positions; return its descriptor. Raises OSError."""
    return _open(path, _READ)


def read_file(path: Path, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """Read a file as a whole. Raises OSError."""
    with open_to_read(path, max_bytes) as file:
        # one that grows meanwhile is read up to the limit
        return file.read(max_bytes)


def read_document(
    path: Path, max_bytes: int = MAX_DOCUMENT_BYTES, max_members: int = _MAX_MEMBERS
) -> bytes:
    """Read a JSON document of limited size and number of members. Raises OSError, ValueError."""
    content = read_file(path, max_bytes)
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > max_members:
        raise ValueError(f"it has over {max_members:,} members")
    if _HUGE_NUMBER.search(content):
        raise ValueError("it has a number of 100 digits")
    return content


def finite(text: str) -> float:
    """Return a number of a JSON text. Raises ValueError for one that no float holds."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:40]} is too large")
    return number


def read_json(path: Path, parse_float: Callable[[str], Any] = finite) -> Any:
    """Read a JSON document. Raises OSError, ValueError."""
    return decode_json(read_document(path), parse_float)


def decode_json(content: bytes, parse_float: Callable[[str], Any] = finite) -> Any:
    """Decode JSON, without NaN and without limitless nesting. Raises ValueError.

    Half of a surrogate pair is refused: no file can have it as text, so no result and no report.
    """
    document = content.decode()
    try:
        decoded = json.loads(document, parse_float=parse_float, parse_constant=_refuse_constant)
        if _SURROGATE.search(document):
            _refuse_half_pairs(decoded)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return decoded


def _refuse_half_pairs(value: Any) -> None:
    if isinstance(value, str):
        value.encode()  # a UnicodeEncodeError is a ValueError
    elif isinstance(value, dict):
        for each in (*value.keys(), *value.values()):
            _refuse_half_pairs(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_half_pairs(each)


def read_lines(path: Path) -> Generator[bytes, None, None]:
    """Yield the lines of a file. Raises OSError, and ValueError for one that is too long."""
    with open_to_read(path, MAX_DATA_BYTES) as file:
        while line := file.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise ValueError(f"a line is over {MAX_LINE_BYTES:,} bytes")
            yield line


def is_there(path: Path) -> bool:
    """Return whether there is a file, whatever it is; a link is not followed."""
    return os.path.lexists(path)


def make_folder(path: Path) -> None:
    """Make a folder with those above it, if it is missing. Raises OSError for a link."""
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link", str(path))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Whatever has the name is replaced, not followed. Raises OSError, and then leaves no part.
    """
    with replacing(path) as file:
        file.write(content)


class replacing:  # noqa: N801 - a context manager, used like a function
    """Write a file in place of another when all of it is written. Raises OSError."""

    def __init__(self, path: Path) -> None:
        """Create nothing yet."""
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}")
        self._file: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        """Create the temporary file."""
        # left by a process that was killed, or laid here: a link is removed, not followed
        with suppress(FileNotFoundError):
            self._temporary.unlink()
        self._file = os.fdopen(open_new(self._temporary), "wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Give the file its name, or remove what was written."""
        try:
            if self._file:
                self._file.close()
            if kind is None:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


def refuse_irregular(folder: Path) -> None:
    """Raise ConfigError naming the first entry that is neither a regular file nor a folder."""
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise ConfigError(Problem(folder, None, f"this is {kind_of(mode)}, not a folder"))
    for _ in files_in(folder):
        pass


def files_in(folder: Path) -> Iterator[Path]:
    """Yield the regular files of a folder and those below, in order of their names.

    Raises ConfigError naming the first entry that is neither a file nor a folder.
    """
    for number, path in enumerate(_entries(folder, 0)):
        if number > _MAX_ENTRIES:
            raise ConfigError(Problem(folder, None, f"it has over {_MAX_ENTRIES:,} entries"))
        yield path


def _entries(folder: Path, depth: int) -> Iterator[Path]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            if depth >= _MAX_DEPTH:
                raise ConfigError(Problem(path, None, "a run has no folders as deep as this"))
            yield from _entries(path, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            yield path
        else:
            what = kind_of(entry.stat(follow_symlinks=False).st_mode)
            message = f"this is {what}; the evidence of a run has files and folders only"
            raise ConfigError(Problem(path, None, message))


def kind_of(mode: int) -> str:
    """Name what a mode stands for.

    >>> kind_of(0o120777), kind_of(0o010644)
    ('a symbolic link', 'a FIFO')
    """
    kinds = {
        stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket",
    }  # fmt: skip
    return kinds.get(stat.S_IFMT(mode), "a device")


def _open(path: Path, flags: int) -> int:
    """Open a regular file. Raises OSError.

    Look first, since opening a device can act; and again, since it may have been exchanged.
    """
    with suppress(FileNotFoundError):
        _refuse_irregular(path.lstat().st_mode, path)
    descriptor = os.open(path, flags, 0o644)
    try:
        _refuse_irregular(os.fstat(descriptor).st_mode, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_irregular(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"it is {kind_of(mode)}, not a file", str(path))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
