"""Find the texts of a document, and the `${VARIABLES}` in them."""

import re
from collections.abc import Iterator
from typing import Any

_NEEDED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Place = tuple[str | int, ...]


def texts_in(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield the place and text of every text in the content of a document, keys excepted."""
    if isinstance(value, str):
        yield place, value
    members = dict(enumerate(value)) if isinstance(value, list) else value
    for key, member in members.items() if isinstance(members, dict) else ():
        yield from texts_in(member, (*place, key))


def mapping_in(content: Any, key: str) -> dict[str, Any]:
    """Return the mapping at a key, or an empty one where there is none."""
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, dict) else {}


def names_of_variables(text: str) -> list[str]:
    """Return the variables that a text needs: those without a default.

    >>> names_of_variables("https://${HOST}:${PORT:-443}")
    ['HOST']
    """
    return _NEEDED.findall(text)
