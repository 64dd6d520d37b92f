"""Suggest the word that a misspelt one was meant to be."""

import difflib
from collections.abc import Sequence

# what people write to say that there is nothing, beside none
_NOTHING = ("nothing", "no", "null", "nil", "off", "false", "disabled", "never", "n/a", "-", "")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a hint: the nearest known word, or all known words if none is near.

    >>> did_you_mean("expct", ["expect", "save"])
    'did you mean expect?'
    """
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    return f"known here: {', '.join(known)}" if known else "none is known here"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the known word nearest to a misspelt one, in any case, or "" if none is near.

    >>> nearest("Save", ["expect", "save"]), nearest("xyz", ["expect", "save"])
    ('save', '')
    """
    by_lower_case = {each.lower(): each for each in reversed(known)}
    found = difflib.get_close_matches(word.lower(), by_lower_case, n=1)
    return by_lower_case[found[0]] if found else ""


def stands_for_none(value: object) -> bool:
    """Return whether a value is a way to say none.

    >>> stands_for_none("Nothing"), stands_for_none("non"), stands_for_none(False)
    (True, True, True)
    """
    word = str(value).strip().lower()
    return word in _NOTHING or (word[0] == "n" and nearest(word, ["none"]) != "")


def either(words: Sequence[str]) -> str:
    """Return words of which one is written.

    >>> either(["a", "b", "c"]), either(["a"])
    ("'a', 'b' or 'c'", "'a'")
    """
    quoted = [f"'{word}'" for word in words]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), *quoted[-1:])))
