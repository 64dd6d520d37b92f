"""Text in which some parts are templates, and others came from environment variables."""

from typing import NamedTuple


class TextPart(NamedTuple):
    """A part of a text; a verbatim one is never evaluated, whatever signs it contains.

    `variable` names the environment variable that it came from.
    """

    text: str
    is_verbatim: bool = False
    variable: str = ""
