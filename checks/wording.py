"""Join words into one sentence."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Join words with commas and "and".

    >>> listed(["client", "service", "database"])
    'client, service and database'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def shortened(text: str, most: int) -> str:
    r"""Join the lines of a text, and cut it to so many characters.

    >>> shortened("one\ntwo three", 9)
    'one two …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 2].rstrip()} …"
