"""Send the files that a scenario names from the master to a worker, in chunks.

    file_chunk   name, offset, content      repeatedly, before the assignment
    assignment   files: {name: SHA-256}     the worker refuses it if a file is not whole

A worker keeps what it receives in memory, bounded: it writes no file of a name from elsewhere.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from config.errors import ConfigError, Problem
from scenarios.engine.messages import CHUNK_BYTES, FileChunk

_MAX_FILES, _MAX_BYTES = 100, 1_000_000_000


def chunks_of(files: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """Yield the messages that carry files, by their name in the scenario."""
    for name, content in files.items():
        for offset in range(0, max(1, len(content)), CHUNK_BYTES):
            chunk = content[offset : offset + CHUNK_BYTES]
            yield {"name": name, "offset": offset, "content": chunk}


def digests_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


class FileInbox:
    """The files that a worker has received so far."""

    def __init__(self) -> None:
        """Start empty."""
        self._contents: dict[str, bytearray] = {}

    def take(self, chunk: FileChunk) -> None:
        """Add a chunk; one that does not follow the last, or is too much, is left out."""
        if chunk.offset == 0 and len(self._contents) < _MAX_FILES:
            self._contents[chunk.name] = bytearray()
        content = self._contents.get(chunk.name)
        total = sum(map(len, self._contents.values())) + len(chunk.content)
        if content is not None and len(content) == chunk.offset and total <= _MAX_BYTES:
            content += chunk.content

    def hand_over(self, digests: Mapping[str, str]) -> dict[str, bytes]:
        """Return the files that an assignment names, and forget all.

        Raises ConfigError where one is not as the master has it.
        """
        contents, self._contents = self._contents, {}
        files = {name: bytes(contents.pop(name, b"")) for name in digests}
        for name, digest in digests_of(files).items():
            if digest != digests[name]:
                message = f"the file {name!r} did not arrive whole; start the load again"
                raise ConfigError(Problem(None, None, message))
        return files
