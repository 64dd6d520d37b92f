"""Join words into one sentence."""

from collections.abc import Sequence


def listed(words: Sequence[str]) -> str:
    """Join words with commas and "and".

    >>> listed(["client", "service", "database"])
    'client, service and database'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
