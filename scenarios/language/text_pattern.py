"""Search a body by a regular expression of Python's kind, bounded in text and in CPU time.

Some expressions take exponentially long on some texts, such as `(a+)+b` on many `a`.
"""

import regex

MAX_CHARACTERS = 1_000_000
MAX_CPU_S = 1.0


class PatternTooSlow(Exception):
    """A search that was given up; the message names it."""


class TextPattern:
    """A compiled pattern."""

    def __init__(self, pattern: str) -> None:
        """Compile a pattern. Raises ValueError."""
        try:
            self._compiled = regex.compile(pattern)
        except (regex.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        self.pattern = pattern
        self.groups: int = self._compiled.groups

    def find(self, text: str) -> str | None:
        """Return the group of the first match, or the whole match without a group.

        Return None where the first million characters have no match. Raises PatternTooSlow.

        >>> TextPattern('name="csrf" value="([^"]+)"').find('<input name="csrf" value="x1">')
        'x1'
        """
        try:
            match = self._compiled.search(text[:MAX_CHARACTERS], timeout=MAX_CPU_S)
        except TimeoutError:
            raise PatternTooSlow(
                f"{self.pattern!r} takes over {MAX_CPU_S:g} s on the body; simplify it"
            ) from None
        if match is None:
            return None
        found: str | None = match[1 if self.groups else 0]
        return found or ""
