"""Parse plain PromQL selectors such as `name{a="b"}`, and match series against them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scenarios.language.regular_expressions import compile_pattern

# A name of other characters stands in quotes: that of a metric first in the braces.
_QUOTED = r'"((?:[^"\\\n]|\\.)+)"'
_SELECTOR = re.compile(
    r"\s*(?:([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?"
    rf"|\{{\s*{_QUOTED}\s*(?:,(.*))?\}})\s*",
    re.DOTALL,
)
_MATCHER = re.compile(
    rf"""\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|{_QUOTED})\s*(=~|!~|!=|=)\s*"((?:[^"\\\n]|\\.)*)"\s*(?:,|$)"""
)
_ESCAPE = re.compile(r"\\(x[0-7][0-9a-fA-F]|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    '"': '"',
}  # fmt: skip

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: compile_pattern(wanted).fullmatch(value) is not None,
    "!~": lambda value, wanted: compile_pattern(wanted).fullmatch(value) is None,
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; an absent label has the value '', as in Prometheus."""

    label: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether a label set satisfies the condition."""
        return _OPERATORS[self.operator](labels.get(self.label, ""), self.value)

    def matches_in_part(self, labels: Mapping[str, str]) -> bool:
        """Return whether a pattern matches a part of the value, where it must match the whole.

        >>> Matcher("kind", "=~", "tea|cof").matches_in_part({"kind": "coffee"})
        True
        """
        if self.operator != "=~" or self.matches(labels):
            return False
        found = compile_pattern(self.value).finditer(labels.get(self.label, ""))
        return any(match[0] for match in found)


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's full name and the conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...]

    def selects(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Return whether the selector selects a series."""
        return metric == self.metric and all(matcher.matches(labels) for matcher in self.matchers)

    @property
    def equalities(self) -> tuple[Matcher, ...]:
        """The matchers that name the whole value of a label."""
        return tuple(each for each in self.matchers if each.operator == "=")

    def failed_matchers(self, labels: Mapping[str, str]) -> list[Matcher]:
        """Return the matchers that a label set does not satisfy."""
        return [matcher for matcher in self.matchers if not matcher.matches(labels)]


def parse_selector(text: str) -> Selector:
    """Parse a selector. Raises ValueError for anything else: a function, a range, an operator.

    >>> parse_selector('a_total{b="c"}').metric, parse_selector('{"a.total", "b.c"="d"}').metric
    ('a_total', 'a.total')
    """
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise ValueError(
            f'{text!r} is not a plain selector; write name{{label="value"}} without functions, '
            "ranges or operators"
        )
    name, inside, quoted, rest = match.groups()
    try:
        metric = name or unescape(quoted)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error
    return Selector(metric, tuple(_matchers(text, inside or rest or "")))


def _matchers(text: str, inside: str) -> list[Matcher]:
    found, position = [], 0
    while position < len(inside.rstrip()):
        match = _MATCHER.match(inside, position)
        if match is None:
            raise ValueError(f"{text!r}: cannot parse the matchers at {inside[position:]!r}")
        found.append(_matcher(text, match))
        position = match.end()
    _refuse_contradictions(text, found)
    return found


def _matcher(text: str, match: re.Match[str]) -> Matcher:
    name, quoted_label, operator, quoted = match.groups()
    try:
        label, value = name or unescape(quoted_label), unescape(quoted)
        if "~" in operator:
            compile_pattern(value)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error
    if label == "__name__":
        raise ValueError(f"{text!r} names the metric twice; remove __name__")
    return Matcher(label, operator, value)


def unescape(quoted: str) -> str:
    """Return what stands between the double quotes of a string of PromQL. Raises ValueError."""
    return _ESCAPE.sub(_unescape, quoted)


def _unescape(match: re.Match[str]) -> str:
    """Return what an escape in a string of PromQL stands for; Prometheus refuses any other."""
    escape = match[1]
    if escape in _ESCAPED:
        return _ESCAPED[escape]
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    raise ValueError(
        f"\\{escape} is no escape in a string of PromQL; write \\\\{escape} for a backslash of the "
        "value or the regular expression"
    )


def _refuse_contradictions(text: str, matchers: list[Matcher]) -> None:
    """Refuse a label that would have to equal two values: no series can be selected."""
    wanted: dict[str, str] = {}
    for matcher in matchers:
        if matcher.operator != "=":
            continue
        label, first = matcher.label, wanted.setdefault(matcher.label, matcher.value)
        if first != matcher.value:
            raise ValueError(
                f"{text!r}: {label} cannot equal both {first!r} and {matcher.value!r}; remove one "
                f'matcher, or write {label}=~"…|…"'
            )
