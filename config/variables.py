"""Find the texts of a document, and the `${VARIABLES}` in them."""

import re
from collections.abc import Iterator
from typing import Any

# its groups: the name, and the default after `:-`
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")

_NEEDED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OPENING = re.compile(r"\$\{(\{?)([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = re.compile(r"[\w .-]{1,60}")

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


def unset_variable(name: str) -> str:
    """Report that an environment variable is not set, and what to do."""
    return f"the environment variable {name} is not set; export it first"


def malformed_variable(text: str) -> str:
    """Return what is wrong with the first `${` of a text that begins no variable, or "".

    The rest of the text is not repeated: it may hold a secret.

    >>> malformed_variable("${A B}")
    '${A B} is no variable: a name has letters, digits and _ only; write ${A_B} or ${NAME:-default}'
    >>> malformed_variable("${A:-b}")
    ''
    """
    for opening in _OPENING.finditer(text):
        braces, written, end = opening.groups()
        name, separator, default = written.partition(":-")
        if braces:
            return "${{ … }} is no variable; write ${NAME}, and have the CI job export NAME"
        if "${" in default:
            return f"the default of ${{{name}}} has a variable in it; write a fixed text"
        if not end:
            return "${ is not closed; write ${NAME}"
        if not _NAME.fullmatch(name):
            return _misnamed(name, separator)
    return ""


def _misnamed(name: str, has_default: str) -> str:
    if not name.strip():
        return "${} names no variable; write ${NAME}"
    shown = f"${{{name}}}" if _SHOWN.fullmatch(name) else "${…}"
    valid = re.sub(r"\W+", "_", name.strip(), flags=re.ASCII)
    valid = f"_{valid}" if valid[0].isdigit() else valid
    remedy = f"${{{valid}}}" if shown != "${…}" else "${NAME}"
    default = "" if has_default else " or ${NAME:-default}"
    return f"{shown} is no variable: a name has letters, digits and _ only; write {remedy}{default}"
