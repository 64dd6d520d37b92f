"""Distinguish a misspelt name of a metric or label from the name of another one.

A name that nobody has seen may be right: many counters show only after their first count. It is
taken for misspelt only if it differs from a known name as a typing error does: `cache_gets_total`
is no misspelling of `cache_sets_total`, nor `errors_4xx_total` of `errors_5xx_total`.
"""

import difflib
import re
from collections.abc import Collection

_SUFFIXES = ("total", "count", "sum", "bucket", "created", "seconds")
_SHORT, _LONG = 5, 8
_SHORTEST = 3
_NAMES_OF_A_NAMESPACE = 3


def near_name(name: str, known: Collection[str], namespaces: Collection[str] = ()) -> str:
    """Return the known name of which a name is a misspelling, or "".

    `namespaces` are first words that a name may lack; those of several known names count, too.

    >>> near_name("shop_payment_total", ["shop_orders_total", "shop_payments_total"])
    'shop_payments_total'
    """
    near = [
        each
        for each in known
        if _is_misspelling(name, each) or _lacks_namespace(name, each, known, namespaces)
    ]
    return next(iter(difflib.get_close_matches(name, sorted(near), n=1, cutoff=0.0)), "")


def _is_misspelling(name: str, known: str) -> bool:
    words, others = _words(name), _words(known)
    if "".join(words) == "".join(others):
        return True
    if len(words) != len(others):
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) == 1 and _is_typing_error(*different[0])


def _words(name: str) -> list[str]:
    """Split a name into lower-case words, without the suffixes that only say what is counted."""
    words = re.split(r"[_:.]+", name.lower())
    while len(words) > 1 and words[-1] in _SUFFIXES:
        words.pop()
    return words


def _is_typing_error(word: str, other: str) -> bool:
    shorter = min(len(word), len(other))
    if shorter < _SHORTEST or re.sub(r"\D", "", word) != re.sub(r"\D", "", other):
        return False
    if len(word) == len(other) and shorter < _SHORT and sorted(word) != sorted(other):
        return False
    return _edits(word, other) <= (2 if shorter >= _LONG else 1)


def _edits(word: str, other: str) -> int:
    """Return the number of letters to insert, remove, replace or swap (the OSA distance)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(word, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


def _lacks_namespace(
    name: str, known: str, others: Collection[str], namespaces: Collection[str]
) -> bool:
    prefix = known.removesuffix(f"_{name}")
    if prefix == known:
        return False
    of_namespace = sum(each.startswith(f"{prefix}_") for each in others)
    return prefix in namespaces or of_namespace >= _NAMES_OF_A_NAMESPACE
