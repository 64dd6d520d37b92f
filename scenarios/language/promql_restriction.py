"""Restrict every selector of a PromQL query to some labels, as where one Prometheus has several.

A selector that names one of the labels itself is left as it is. Of a query that cannot be read for
certain, such as one of MetricsQL, nothing is changed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from config.prometheus import matchers_of
from scenarios.language.promql import STRING

_TOKEN = re.compile(
    rf"(?P<blank>\s+|\#[^\n]*)|(?P<string>{STRING})|(?P<number>\.?\d(?:[eE][+-]?\d|[\w.])*)"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<mark>.)",
    re.DOTALL,
)
_LABEL_LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")
_AGGREGATIONS = (
    "sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk",
    "count_values", "quantile", "limitk", "limit_ratio",
)  # fmt: skip
_WORDS = ("and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "group_left",
          "group_right")  # fmt: skip
# Words of MetricsQL, or of no known dialect, which may as well be the names of metrics.
_TEMPLATES = "with"
_UNCLEAR = ("if", "ifnot", "default", "limit", "keep_metric_names", "start", "end", "anchored",
            "smoothed", "fill", "fill_left", "fill_right")  # fmt: skip
_CLOSES = {"(": ")", "{": "}", "[": "]"}

# Said of a query that is left as it is.
NOT_RESTRICTED = "not restricted to prometheus.match: name its labels in every selector"


class _UnclearError(ValueError):
    """It is not certain what a query selects."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """A name in lower case: the words of PromQL have no case."""
        return self.text.lower() if self.kind == "name" else ""


_END = _Token("end", "", -1, -1)


def restrict_query(query: str, match: Mapping[str, str]) -> str | None:
    """Return a query whose selectors want the values of labels; None where that is not certain.

    `query` has no mistake of `find_promql_mistakes`.

    >>> restrict_query('sum by (le) (a_total) / b{c="d"}', {"env": "x"})
    'sum by (le) (a_total{env="x"}) / b{c="d", env="x"}'
    """
    of_labels = dict(zip(match, matchers_of(match), strict=True))
    restricted, position = "", 0
    try:
        for start, end in _selectors(query):
            inside = query[start + 1 : end - 1].strip().removesuffix(",")
            named = _labels_named(inside)
            added = [each for label, each in of_labels.items() if label not in named]
            braces = ", ".join(filter(None, [inside, *added]))
            restricted += query[position:start] + (f"{{{braces}}}" if braces else "")
            position = end
    except _UnclearError:
        return None
    return restricted + query[position:]


def _selectors(query: str) -> Iterator[tuple[int, int]]:
    """Yield where the braces of each selector are; an empty range where one has none."""
    tokens = [
        _Token(str(match.lastgroup), match[0], match.start(), match.end())
        for match in _TOKEN.finditer(query)
        if match.lastgroup != "blank"
    ]
    skipped_until = -1
    for number, (token, following) in enumerate(pairwise([*tokens, _END])):
        if number <= skipped_until:
            continue
        if token.text in ("{", "["):
            skipped_until = _closing(tokens, number)
            if token.text == "{":
                yield token.start, tokens[skipped_until].end
        elif token.word in _LABEL_LISTS and following.text == "(":
            skipped_until = _closing(tokens, number + 1)
            _refuse_all_but_labels(tokens[number + 2 : skipped_until])
        elif token.kind == "name" and _is_metric(token, following) and following.text != "{":
            yield token.end, token.end


def _is_metric(token: _Token, following: _Token) -> bool:
    """Return whether a name is that of a metric. Raises _UnclearError."""
    if token.word == _TEMPLATES:
        raise _UnclearError(token.text)
    if following.text == "(" or token.word in _WORDS:
        return False
    if token.word in _AGGREGATIONS and following.word in _LABEL_LISTS:
        return False
    if token.word in (*_UNCLEAR, *_LABEL_LISTS, *_AGGREGATIONS):
        raise _UnclearError(token.text)
    return True


def _closing(tokens: Sequence[_Token], opening: int) -> int:
    """Return which token closes a bracket. Raises _UnclearError."""
    depth, opens = 0, tokens[opening].text
    for number in range(opening, len(tokens)):
        depth += (tokens[number].text == opens) - (tokens[number].text == _CLOSES[opens])
        if not depth:
            return number
    raise _UnclearError(opens)


def _refuse_all_but_labels(tokens: Sequence[_Token]) -> None:
    if any(each.kind not in ("name", "string") and each.text != "," for each in tokens):
        raise _UnclearError("no list of labels")


def _labels_named(inside: str) -> set[str]:
    """Return the labels that the matchers of a selector name. Raises _UnclearError."""
    tokens = [match for match in _TOKEN.finditer(inside) if match.lastgroup != "blank"]
    names = set()
    for match, following in pairwise([*tokens, None]):
        if match is None or match.lastgroup not in ("name", "string"):
            continue
        if following is not None and following[0] in ("=", "!"):
            names.add(match[0].strip("\"'`"))
        elif match.lastgroup == "name":
            raise _UnclearError(match[0])  # as in {a="b" or c="d"} of MetricsQL
    return names
