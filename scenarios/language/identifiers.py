"""Make identifiers out of the names that people write."""

import re

_NOT_IN_A_SLUG = re.compile(r"[^\w.]+")


def slug(text: str) -> str:
    """Return a text in lower case with every run of other characters than letters as one hyphen.

    Digits, underscores and dots are kept.

    >>> slug("Execute workflow (v1.2)")
    'execute-workflow-v1.2'
    """
    return _NOT_IN_A_SLUG.sub("-", text.lower()).strip("-")
