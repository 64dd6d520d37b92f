"""Find mistakes in a PromQL query that show without Prometheus: brackets, strings and matchers.

Functions, operators and types are left to Prometheus, which is asked before a load.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.language.regular_expressions import check_re2, compile_pattern
from scenarios.language.selector import unescape

STRING = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`"""
_TOKEN = re.compile(
    rf"(?P<string>{STRING})|(?P<comment>\#[^\n]*)|(?P<bracket>[(){{}}\[\]])|(?P<other>.)",
    re.DOTALL,
)
_MATCHER = re.compile(
    rf"\s*(?:(?:[a-zA-Z_][a-zA-Z0-9_]*|{STRING})\s*(?P<operator>=~|!~|!=|=)\s*(?P<value>{STRING})"
    rf"|(?P<name>{STRING}))\s*(?:,|$)"
)
_ENDS_WITH_NAME = re.compile(r"[a-zA-Z0-9_:]\s*$")
_CLOSES = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"


@dataclass(frozen=True, slots=True)
class _Matchers:
    """What stands in the braces of one selector, and whether the metric's name is before them."""

    text: str
    has_name: bool


def find_promql_mistakes(query: str) -> Iterator[str]:
    """Yield every mistake of a query, as a sentence; after a wrong bracket only that one."""
    selectors: list[_Matchers] = []
    if mistake := _read(query, selectors):
        yield mistake
        return
    for selector in selectors:
        yield from _matchers(selector)


def _read(query: str, selectors: list[_Matchers]) -> str:
    """Collect the selectors of a query; return its first wrong bracket or string, or ""."""
    opened: list[tuple[str, int]] = []
    for token in _TOKEN.finditer(query):
        character = token["bracket"]
        if token["other"] in tuple(_QUOTES):
            return f"a string is not closed, from {query[token.start() :][:20]!r} on"
        if character in ("(", "[", "{"):
            opened.append((character, token.start()))
        elif character:
            bracket, start = opened.pop() if opened else ("", 0)
            if bracket != _CLOSES[character]:
                return f"the {character} closes nothing, after {query[: token.start()][-20:]!r}"
            if character == "}":
                inside = query[start + 1 : token.start()]
                before = query[:start]
                selectors.append(_Matchers(inside, bool(_ENDS_WITH_NAME.search(before))))
    if opened:
        return f"the {opened[-1][0]} is not closed, from {query[opened[-1][1] :][:20]!r} on"
    return ""


def _matchers(selector: _Matchers) -> Iterator[str]:
    position, refuses_empty = 0, selector.has_name
    while position < len(selector.text.rstrip()):
        match = _MATCHER.match(selector.text, position)
        if match is None:
            yield f"cannot parse the matchers at {selector.text[position:].strip()!r}"
            return
        position = match.end()
        try:
            refuses_empty |= _refuses_empty(match)
        except ValueError as error:
            yield str(error)
            refuses_empty = True
    if not refuses_empty:
        yield (f"{{{selector.text}}} has no metric and no matcher that refuses an empty value; "
               "name the metric")  # fmt: skip


def _refuses_empty(match: re.Match[str]) -> bool:
    """Return whether a matcher, or a metric's name, refuses an empty value. Raises ValueError."""
    if match["name"]:
        return True
    operator, quote, value = match["operator"], match["value"][0], match["value"][1:-1]
    if quote != "`":
        value = unescape(value.replace("\\'", "'") if quote == "'" else value)
    if "~" not in operator:
        return (operator == "=") != (value == "")
    check_re2(value)
    try:
        is_match = compile_pattern(value).fullmatch("") is not None
    except ValueError:
        return True  # only RE2 knows
    return is_match != (operator == "=~")
