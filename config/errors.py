"""What did the user get wrong, where, and what is the remedy?

ConfigError is the only exception for a mistake of the user; it carries every mistake found.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its file, its line (from 1), and what to do.

    `line` is None where the whole file is meant, `file` where it is the command.
    """

    file: Path | None
    line: int | None
    message: str

    def __str__(self) -> str:
        """Return `file:line: message`, the form that editors make a link of."""
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.message}" if self.file else self.message


class ConfigError(Exception):
    """A command, a scenario or a configuration is wrong, and nothing was sent."""

    def __init__(self, *problems: Problem) -> None:
        """Keep the problems in the order given."""
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
