"""Names in a scenario file, and the ids that follow from them."""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def suggested_name(text: str) -> str:
    """Return a text in the form of a name.

    >>> suggested_name("orderId"), suggested_name("order-id")
    ('order_id', 'order_id')
    """
    return re.sub(r"\W+", "_", _CAPITAL.sub("_", text), flags=re.ASCII).strip("_").lower()


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        near = suggested_name(text)
        hint = f", as in {near}" if _NAME.fullmatch(near) else ""
        message = "is not a name; use lower-case letters, digits and underscores"
        raise ValueError(f"{text!r} {message}{hint}")
    return text


Name = Annotated[str, AfterValidator(_name)]

_NOT_IN_A_SLUG = re.compile(r"[^\w.]+")


@lru_cache(maxsize=4_096)  # the ids of findings are made again for each rendering
def slug(text: str) -> str:
    """Return a text in lower case with every run of other characters than letters as one hyphen.

    Digits, underscores and dots are kept.

    >>> slug("Execute workflow (v1.2)")
    'execute-workflow-v1.2'
    """
    return _NOT_IN_A_SLUG.sub("-", text.lower()).strip("-")
