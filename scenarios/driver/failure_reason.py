"""Why a request failed."""

from typing import NamedTuple


class FailureReason(NamedTuple):
    """Why a request failed, and what that has in common with others: "" is the text itself."""

    text: str
    group: str = ""
