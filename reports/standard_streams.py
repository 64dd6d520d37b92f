"""Standard streams that outlive their reader, and give no command to the runner of a CI job.

A line that begins with `::`, or has `##[` or `##vso[`, is a command to the runner of such a job: it
may hide later lines, mask words or set variables. Foreign text can bring such a line anywhere, also
where a long text is broken into lines, so that every line is made inert where it is written:

    ::add-mask::a   →   : :add-mask::a          ##[group]a   →   ## [group]a
"""

import io
import os
import re
import sys
from typing import TextIO

from typing_extensions import Buffer

# As the runners see them: white space before `::` counts for nothing, and so does all before `##`.
_START = re.compile(r"((?:^|[\n\r])\s*:)(?=:)")
_MIDDLE = re.compile(r"(##\w*)(?=\[)")
_LINE_END = re.compile(r"[\n\r]")


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


class InertStream(io.TextIOWrapper):
    """A text stream of which no line is a command to a CI runner."""

    _line = ""  # what has been written of the last line

    def write(self, text: str, /) -> int:
        """Write a text, with a space where a command would begin. Raises TypeError for bytes."""
        known = len(inert_lines(self._line))
        written = self._line + text  # no f-string: Typer finds out by bytes what a stream takes
        super().write(inert_lines(written)[known:])
        self._line = _LINE_END.split(written)[-1]
        return len(text)


def inert_lines(text: str) -> str:
    """Break each command to a CI runner by a space; nothing is removed or put before it."""
    return _MIDDLE.sub(r"\1 ", _START.sub(r"\1 ", text))


def write_commands(stream: TextIO, commands: str) -> None:
    """Write our own commands to a CI runner."""
    stream.flush()
    stream.buffer.write(commands.encode())
    stream.flush()


def outlive_readers() -> None:
    """Make stdout and stderr of this process survive their readers."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:  # None: closed before the start
            file = io.BufferedWriter(PipeFile(stream.fileno(), "w", closefd=False))
            reopened = InertStream(
                file, stream.encoding, stream.errors, line_buffering=stream.line_buffering
            )
            setattr(sys, name, reopened)
