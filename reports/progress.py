"""The progress of a run: one line per stage on stderr, with its duration."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import get_terminal_size
from typing import TextIO

from reports.formatting import one_line
from reports.live_load import LoadSnapshot, snapshot_lines

_MOST_BYTES = 200
_MINUTE_S = 60.0


@dataclass
class ProgressStage:
    """One stage in progress: the words to print at its end, and whether it succeeded."""

    words: list[str] = field(default_factory=list)
    has_succeeded: bool = True


class Progress:
    """Prints the progress of a run. Unfinished lines are shown on a terminal only."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        """Find out what the stream can show."""
        dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
        self._stream = stream
        self._live = stream.isatty() and not dumb
        self._colours = self._live and not os.environ.get("NO_COLOR")
        self._written_at = time.monotonic()
        self._stage = ""
        self._shown = 1  # lines
        self._began = time.monotonic()

    @property
    def total_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @contextmanager
    def stage(self, name: str) -> Iterator[ProgressStage]:
        """Time one stage, and print it at its end."""
        self._stage, began = name, time.monotonic()
        self._show(f"… {name}")
        stage, ended = ProgressStage(), False
        try:
            yield stage
            ended = True
        finally:
            duration_s = time.monotonic() - began
            mark, colour = ("✓", "32") if ended and stage.has_succeeded else ("✕", "31")
            shown = f"\x1b[{colour}m{mark}\x1b[0m" if self._colours else mark
            text = f"{name} {duration_s:.1f} s {', '.join(stage.words)}".rstrip()
            self._show("")
            # Only the text is cleaned: cleaning removes the escapes of the colour, too.
            self._write(f"{shown} {one_line(text, _MOST_BYTES)}\n")

    def count(self, done: int, of: int | None) -> None:
        """Show how far a stage has come: at once on a terminal, once a minute elsewhere."""
        line = f"… {self._stage:<10} {done:,} of {of:,}" if of else f"… {self._stage:<10} {done:,}"
        if self._live:
            self._show(line)
        elif time.monotonic() - self._written_at > _MINUTE_S:
            self._write(line + "\n")

    def show_load(self, load: LoadSnapshot) -> None:
        """Show how a load goes: in lines that stay in place, or in one line once a minute."""
        lines = snapshot_lines(load)
        if self._live:
            self._show(*lines)
        elif time.monotonic() - self._written_at > _MINUTE_S:
            self._write(one_line(", ".join(each.strip() for each in lines), _MOST_BYTES) + "\n")

    def note(self, text: str) -> None:
        """Print one line."""
        self._show("")
        self._write(one_line(text, _MOST_BYTES) + "\n")

    def _show(self, *lines: str) -> None:
        """Show lines in the place of those that were shown before; cut where they would wrap."""
        if not self._live:
            return
        back = "\r\x1b[2K" + "\x1b[1A\x1b[2K" * (self._shown - 1)
        columns = get_terminal_size().columns - 3  # an ellipsis may become three dots
        self._shown = max(1, len(lines))
        self._write(back + "\n".join(each[:columns] if len(lines) > 1 else each for each in lines))

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "ascii"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            plain = text.replace("✓", "ok").replace("✕", "x").replace("…", "...")
            text = plain.encode(encoding, errors="replace").decode(encoding)
        self._written_at = time.monotonic()
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody reads it any more; the run goes on
            self._live = False
