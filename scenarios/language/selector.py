"""Parse plain PromQL selectors such as `name{a="b"}`, and match series against them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

_SELECTOR = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r"""\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)""")

_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
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


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's full name and the conditions on its labels."""

    metric: str
    matchers: tuple[Matcher, ...]

    def selects(self, metric: str, labels: Mapping[str, str]) -> bool:
        """Return whether the selector selects a series."""
        return metric == self.metric and all(matcher.matches(labels) for matcher in self.matchers)

    def failed_matchers(self, labels: Mapping[str, str]) -> list[Matcher]:
        """Return the matchers that a label set does not satisfy."""
        return [matcher for matcher in self.matchers if not matcher.matches(labels)]


def parse_selector(text: str) -> Selector:
    """Parse a selector. Raises ValueError for anything else: a function, a range, an operator.

    >>> parse_selector('a_total{b="c"}').metric
    'a_total'
    """
    match = _SELECTOR.fullmatch(text)
    if match is None:
        raise ValueError(
            f'{text!r} is not a plain selector; write name{{label="value"}} without functions, '
            "ranges or operators"
        )
    return Selector(match[1], tuple(_matchers(text, match[2] or "")))


def _matchers(text: str, inside: str) -> Iterator[Matcher]:
    position = 0
    while position < len(inside.rstrip()):
        match = _MATCHER.match(inside, position)
        if match is None:
            raise ValueError(f"{text!r}: cannot parse the matchers at {inside[position:]!r}")
        value = re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), match[3])
        try:
            if "~" in match[2]:
                re.compile(value)
        except re.error as error:
            raise ValueError(f"{text!r}: {value!r} is not a regular expression: {error}") from error
        yield Matcher(match[1], match[2], value)
        position = match.end()
