"""The manifest of a run's evidence: the SHA-256 of each file, written once all are there.

A recording that was torn or altered afterwards is known by it, also where it is well formed. It
protects against damage, not against a forger, who can write another manifest.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from scenarios.evidence.files import (
    MAX_DATA_BYTES,
    files_in,
    open_to_read,
    read_document,
    write_atomically,
)
from scenarios.evidence.run_folder import Run, RunFolder

NAME = "manifest.json"

_DIGESTS = TypeAdapter(dict[str, str])


def write_manifest(folder: RunFolder) -> None:
    """Write the digest of each file of the evidence. Raises OSError, ConfigError."""
    digests = {name: _digest_of(folder.evidence / name) for name in _names(folder.evidence)}
    write_atomically(folder.evidence / NAME, _DIGESTS.dump_json(digests, indent=1))


def changed_files(folder: RunFolder, run: Run) -> tuple[str, ...]:
    """Return the files of the evidence that are not as they were at the end of the run.

    Nothing is known of a run that has not ended regularly: it has no manifest. Raises ConfigError.
    """
    try:
        recorded = _DIGESTS.validate_json(read_document(folder.evidence / NAME))
    except FileNotFoundError:
        return (NAME,) if run.has_manifest else ()
    except (OSError, ValueError):
        return (NAME,)
    present = set(_names(folder.evidence))
    # a name that only the manifest has may be any path: it is not opened
    changed = present ^ recorded.keys()
    for name in present & recorded.keys():
        if not _has_digest(folder.evidence / name, recorded[name]):
            changed.add(name)
    return tuple(sorted(changed))


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return _digest_of(path) == digest
    except OSError:
        return False


def _names(evidence: Path) -> Iterator[str]:
    names = (path.relative_to(evidence).as_posix() for path in files_in(evidence))
    return (name for name in names if name != NAME)


def _digest_of(path: Path) -> str:
    with open_to_read(path, MAX_DATA_BYTES) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
