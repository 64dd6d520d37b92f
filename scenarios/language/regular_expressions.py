r"""Compile the regular expressions of matchers, which Prometheus evaluates as RE2.

The harness evaluates the same patterns on the services' own metrics. A pattern that RE2 refuses, or
that RE2 and Python read differently, is refused; `\d`, `\w`, `\s` and `\b` are ASCII in both.
"""

import re
import warnings
from collections.abc import Sequence
from functools import lru_cache

_MAX_REPEAT = 1000
_ANCHORED = "remove it, since a matcher always matches the whole value"
_WRITE_IT = "write the character itself"

Construct = tuple[re.Pattern[str], str, str]


def _table(*rows: tuple[str, str, str]) -> tuple[Construct, ...]:
    return tuple((re.compile(pattern), name, remedy) for pattern, name, remedy in rows)


# What one of the two does not know, or reads differently: a pattern, its name, the remedy.
_NOT_RE2 = _table(
    (r"\(\?<?[=!]", "a lookaround", "write a further matcher on the label instead"),
    (r"\\[1-9]|\(\?P=", "a backreference", "write out what it refers to"),
    (r"\(\?\(", "a condition", "write the alternatives with |"),
    (r"\(\?#", "a comment", "remove it"),
    (r"\(\?>", "an atomic group", "write (?:…)"),
    (r"(?:[*+?]|\{\d+(?:,\d*)?\})\+", "a possessive quantifier", "remove the last +"),
    (r"\\Z", "an anchor", _ANCHORED),
    (r"\\[uUNC]", "an escape", _WRITE_IT),
    (r"\\[^\x00-\x7f]", "an escaped letter", "remove the backslash"),
    (r"\(\?P<(?![A-Za-z_][A-Za-z0-9_]*>)", "a group's name that is not plain ASCII",
     "use letters, digits and underscores"),
    (r"\(\?[a-zA-Z]*[a-hj-lnoqrt-zA-OQ-TV-Z][a-zA-Z]*[:)-]", "a flag other than i, m and s",
     "remove it"),
)  # fmt: skip
_NOT_PYTHON = _table(
    (r"\{,\d+\}", "a repetition without a minimum", "write {0,n}"),
    (r"\\z", "an anchor", _ANCHORED),
    (r"\\[QE]", "a quotation", "escape each special character with a backslash"),
    (r"\\[pP]", "a Unicode class", "write the characters, as in [A-Za-z]"),
    (r"\\x\{", "an escape", _WRITE_IT),
    (r"\(\?<(?![=!])", "a named group", "write (?P<name>…)"),
    (r"\(\?[imsU]*U", "a flag other than i, m and s", "remove it"),
    (r"(?<!^)\(\?[ims-]+\)", "a flag in the middle", "write (?i:…) around what it is for"),
)
_NOT_RE2_IN_CLASS = _table(
    (r"\\b", "a backspace", r"write \x08"),
    (r"\\[1-9]", "an octal escape", _WRITE_IT),
    (r"\\[uUN]", "an escape", _WRITE_IT),
    (r"\\[^\x00-\x7f]", "an escaped letter", "remove the backslash"),
)
_NOT_PYTHON_IN_CLASS = _table(
    (r"\[:\^?\w*:\]", "a POSIX class", "write the characters, as in [A-Za-z]"),
    (r"\\[pPQE]", "a Unicode class or a quotation", "write the characters, as in [A-Za-z]"),
    (r"\\x\{", "an escape", _WRITE_IT),
)
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_CLASS_START = re.compile(r"\[\^?\]?")
_IGNORES_CASE = re.compile(r"\(\?[ms]*i")


@lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile the pattern of a matcher. Raises ValueError with a remedy.

    >>> bool(compile_pattern("order-[0-9]+").fullmatch("order-17"))
    True
    """
    _refuse_constructs(pattern, _NOT_RE2, _NOT_RE2_IN_CLASS)
    _refuse_what_python_lacks(pattern)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of a [ within [ ], a character in RE2
            return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


def check_re2(pattern: str) -> None:
    """Raise ValueError with a remedy for what RE2 refuses, of a pattern that only it evaluates."""
    _refuse_constructs(pattern, _NOT_RE2, _NOT_RE2_IN_CLASS)
    try:
        _refuse_what_python_lacks(pattern)
    except ValueError:
        return  # Python cannot tell whether the rest is right
    compile_pattern(pattern)


def _refuse_what_python_lacks(pattern: str) -> None:
    if _IGNORES_CASE.search(pattern) and not pattern.isascii():
        raise _refusal(pattern, "(?i) with letters beyond ASCII", "write both cases, as in [äÄ]")
    _refuse_constructs(pattern, _NOT_PYTHON, _NOT_PYTHON_IN_CLASS)


def _refuse_constructs(
    pattern: str, outside: Sequence[Construct], inside: Sequence[Construct]
) -> None:
    """Raise ValueError for the first construct of a table, outside or inside of [ ]."""
    position, in_class = 0, False
    while position < len(pattern):
        for construct, name, remedy in inside if in_class else outside:
            if construct.match(pattern, position):
                raise _refusal(pattern, name, remedy)
        _refuse_large_repeat(pattern, position, in_class=in_class)
        character = pattern[position]
        if character == "\\":
            position += 2
        elif character == "[" and not in_class:
            opening = _CLASS_START.match(pattern, position)
            position, in_class = opening.end() if opening else position + 1, True
        else:
            in_class = in_class and character != "]"
            position += 1


def _refuse_large_repeat(pattern: str, position: int, *, in_class: bool) -> None:
    repeat = None if in_class else _REPEAT.match(pattern, position)
    if repeat and max(int(number or 0) for number in repeat.groups()) > _MAX_REPEAT:
        raise _refusal(pattern, "a repetition", f"repeat at most {_MAX_REPEAT} times")


def _refusal(pattern: str, name: str, remedy: str) -> ValueError:
    return ValueError(
        f"{pattern!r} has {name}, which Prometheus' RE2 and Python do not share; {remedy}"
    )
