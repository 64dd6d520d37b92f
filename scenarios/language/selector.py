"""Which series does a plain PromQL selector such as `name{a="b"}` select?"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r"""\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)""")

_HOLDS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that is absent has the value ''."""

    label: str
    operator: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tell whether a label set satisfies the condition."""
        return _HOLDS[self.operator](labels.get(self.label, ""), self.value)


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's full name and the conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...]

    def selects(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Tell whether a series belongs to the selection."""
        return metric == self.metric and all(each.holds(labels) for each in self.matchers)

    def broken_by(self, labels: Mapping[str, str]) -> list[Matcher]:
        """Return the conditions that a label set does not satisfy."""
        return [each for each in self.matchers if not each.holds(labels)]


def parse_selector(text: str) -> Selector:
    """Parse a selector. Raises ValueError for anything that is more: a function, a range, a sum.

    >>> parse_selector('a_total{b="c"}').metric
    'a_total'
    """
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise ValueError(
            f'{text!r} is not a plain selector; write name{{label="value"}} and nothing around '
            "it: the exact increase is computed from its raw samples"
        )
    return Selector(match[1], tuple(_matchers(text, match[2] or "")))


def _matchers(text: str, inside: str) -> list[Matcher]:
    found, position = [], 0
    while position < len(inside.rstrip()):
        match = _MATCHER.match(inside, position)
        if match is None:
            raise ValueError(f"{text!r}: cannot read the labels at {inside[position:]!r}")
        found.append(_matcher(text, match))
        position = match.end()
    return found


def _matcher(text: str, match: re.Match[str]) -> Matcher:
    value = re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), match[3])
    if "~" in match[2]:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{text!r}: {value!r} is not a regular expression: {error}") from error
    return Matcher(match[1], match[2], value)
