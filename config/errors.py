"""Define ConfigError, the only exception for a user's mistake; it carries every mistake found."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its file, its line (from 1), and a message with the remedy.

    `line` is None if the whole file is wrong; `file` is None if the command line is.
    """

    file: Path | None
    line: int | None
    message: str

    def __str__(self) -> str:
        """Return `file:line: message`, which editors turn into a link."""
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.message}" if self.file else self.message


class ConfigError(Exception):
    """A command line, scenario or environment is wrong; nothing was sent. Exit code 2."""

    def __init__(self, *problems: Problem) -> None:
        """Keep the problems in the order given."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
