"""What a reason may be: one short sentence for people, never an exception's own rendering."""

_MAX_CHARACTERS = 400
_NEVER = (
    "Traceback",
    "RecursionError",
    "MemoryError",
    "recursion depth",
    "Error(",
    " object at 0x",
)


def is_one_sentence(text: str) -> bool:
    """Return whether a text is a reason that can be shown as it is."""
    is_short = 0 < len(text) <= _MAX_CHARACTERS and "\n" not in text
    return is_short and not any(each in text for each in _NEVER)
