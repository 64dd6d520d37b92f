r"""Escape in JSON text what could do more than be read, wherever the text is printed.

A terminal obeys control characters, some of which JSON allows (U+0080 to U+009F). Characters that
turn the direction of writing show a text as another one. The log of a CI job takes `##[…]` for a
command, anywhere in a line. The values stay the same: only their spelling changes.
"""

import re

_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_COMMAND = re.compile(r"##(?=\w*\[)")


def inert_json(document: str) -> str:
    r"""Return a JSON document that has the same values, and steers nothing.

    >>> inert_json('{"a": "##[error]"}')
    '{"a": "#\\u0023[error]"}'
    """
    escaped = _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
    return _COMMAND.sub(r"#\\u0023", escaped)
