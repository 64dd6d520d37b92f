"""Names in a scenario file, and the ids that follow from them."""

import re
from typing import Annotated

from config.requirements import matches

_IS_NAME = matches(
    r"[a-z][a-z0-9_]*", "{0!r} is not a name; use lower-case letters, digits and underscores"
)

Name = Annotated[str, _IS_NAME]

_NOT_IN_A_SLUG = re.compile(r"[^\w.]+")


def slug(text: str) -> str:
    """Return a text in lower case with every run of other characters than letters as one hyphen.

    Digits, underscores and dots are kept.

    >>> slug("Execute workflow (v1.2)")
    'execute-workflow-v1.2'
    """
    return _NOT_IN_A_SLUG.sub("-", text.lower()).strip("-")
