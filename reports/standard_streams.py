"""Standard streams whose reader may close them: the command goes on, and its exit code counts."""

import io
import os
import sys

from typing_extensions import Buffer


class PipeFile(io.FileIO):
    """A file that discards what nobody reads any more, as after `run.py … | head`."""

    def write(self, data: Buffer, /) -> int:
        """Write, or replace the closed pipe by the null device."""
        try:
            return super().write(data)
        except BrokenPipeError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Make stdout and stderr of this process survive their readers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:  # None: closed before the start
            file = io.BufferedWriter(PipeFile(stream.fileno(), "w", closefd=False))
            reopened = io.TextIOWrapper(
                file, stream.encoding, stream.errors, line_buffering=stream.line_buffering
            )
            setattr(sys, name, reopened)
