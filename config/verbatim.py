"""Text in which some parts are templates, and others came from environment variables."""

from typing import NamedTuple


class TextPart(NamedTuple):
    """A part of a text; a verbatim one is never evaluated, whatever signs it contains."""

    text: str
    is_verbatim: bool = False
