"""Explain what is wrong with the syntax of a template, and what to write instead.

Where Jinja's lexer or parser stopped is data; its own words are for people who write Jinja.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from jinja2 import TemplateSyntaxError, nodes
from jinja2.lexer import Token, reverse_operators
from jinja2.parser import Parser

from config.suggestions import nearest
from scenarios.language.sandbox import FILTERS_OF_JINJA, SANDBOX

_CLOSING = {"{{": "}}", "{%": "%}"}
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_BEGINS = ("variable_begin", "block_begin")
_ENDS = ("variable_end", "block_end")
_VALUES = ("name", "string", "integer", "float")
_BLOCKS = ("if", "for", "set", "filter")
_WITHOUT_END = ("else", "elif")
# What the operators of other languages are in a template, the longer ones first.
_OPERATORS = {
    "&&": "and",
    "&": "and",
    "??": "| default(…)",
    "?.": "| default(…) after the value",
    "?": "a if condition else b",
    "!": "not",
    "`": "quotes around a text",
    "$": "the name alone",
    "@": "the name alone",
    "#": "{% if … %} or {% for … %} for a block",
}


def syntax_mistake(text: str, error: TemplateSyntaxError) -> str:
    """Return what is wrong with a template that Jinja refused, with the remedy."""
    where = f"in line {error.lineno}, " if "\n" in text.strip() else ""
    return f"{where}{_mistake(text) or error}"


def _mistake(text: str) -> str | None:
    position, last = _lexed(text)
    if position is not None:
        return _not_lexed(text[:position], text[position:], last)
    parser = Parser(SANDBOX, text)
    try:
        tree = parser.parse()
    except TemplateSyntaxError:
        rest = list(parser.stream)
        tokens = list(SANDBOX.lexer.tokenize(text))
        before = tokens[: len(tokens) - len(rest)]
        return "three braces open nothing; write two" if "{{{" in text else _stopped(before, rest)
    return next(_unknown(tree), None)


def _lexed(text: str) -> tuple[int | None, str]:
    """Return where the lexer stops, None if it goes through, and the type of its last token."""
    position, last = 0, ""
    try:
        for _, kind, part in SANDBOX.lex(text):
            position, last = position + len(part), kind
    except TemplateSyntaxError:
        return position, last
    return None, last


def _not_lexed(before: str, rest: str, last: str) -> str:
    mark = rest[:1]
    if last == "comment_begin":
        return "a comment is not closed; add #}"
    if last == "raw_begin":
        return "{% raw %} is not closed; add {% endraw %}"
    if mark in ("'", '"'):
        return f"a text is not closed; add {mark}"
    if mark in _BRACKETS.values():
        return _bracket(before, rest)
    for operator, meant in _OPERATORS.items():
        if rest.startswith(operator):
            return f"{operator} has no meaning here; write {meant}"
    return f"{mark} has no meaning here; remove it, or write the text in quotes"


def _bracket(before: str, rest: str) -> str:
    """Return what is wrong with a closing bracket: which one is open tells what is meant."""
    opened: list[str] = []
    for mark in before[max(before.rfind("{{"), before.rfind("{%")) + 2 :]:
        if mark in _BRACKETS:
            opened.append(_BRACKETS[mark])
        elif opened and mark == opened[-1]:
            opened.pop()
    if opened:
        return f"a bracket is not closed; add {opened[-1]} before {rest[0]}"
    if rest[0] == "}":
        return "a single } closes nothing; write }}"
    return f"a bracket was never opened; remove {rest[0]}"


def _stopped(before: Sequence[Token], rest: Sequence[Token]) -> str | None:
    """Return what is wrong at the token at which the parser stopped, the first of the rest."""
    found = rest[0] if rest else None
    if found is None or found.type == "eof":
        return _not_closed(before)
    tag = _tag(before, found)
    if tag and tag not in _BLOCKS:
        return _wrong_tag(tag, before)
    if found.type in _ENDS:
        is_empty = bool(before) and before[-1].type in _BEGINS
        return ("it has no value; write a name, as in {{ tenant }}" if is_empty
                else f"a value is missing before {found.value}; write one")  # fmt: skip
    if found.type in _VALUES and before:
        return _second_value(before, _shown(found))
    return _wrong_operator(before, rest, found)


def _wrong_operator(before: Sequence[Token], rest: Sequence[Token], found: Token) -> str:
    previous, following = (each[0].type if each else "" for each in (before[-1:], rest[1:2]))
    if found.type == "assign" and previous == "name" and before[-1].value == "set":
        return "set needs a name, as in {% set total = 3 %}"
    if found.type == "assign":
        return f"= compares nothing; write {'>=' if following == 'gt' else '=='}"
    if (previous, found.type) == ("pipe", "pipe"):
        return "|| has no meaning here; write or"
    if (previous, found.type) == ("sub", "gt"):
        return "-> has no meaning here; write a dot"
    return f"{_shown(found)} is at the wrong place; remove it, or write the value that is missing"


def _second_value(before: Sequence[Token], shown: str) -> str:
    """Return what is wrong with a value right behind another one."""
    previous = before[-1]
    kinds = [token.type for token in before[-2:-1]]
    if kinds == ["variable_begin"] and previous.value in _BLOCKS:
        return f"a block has other braces; write {{% {previous.value} … %}}"
    if kinds == ["pipe"]:
        return f"the argument of a filter has parentheses; write {previous.value}({shown})"
    return f"{shown} follows another value; put an operator between them, as in {{{{ a ~ b }}}}"


def _tag(before: Sequence[Token], found: Token) -> str:
    """Return the name of the block in whose first words the parser stopped, or ""."""
    if before and before[-1].type == "block_begin":
        return str(found.value)
    is_named = len(before) > 1 and before[-2].type == "block_begin"
    return str(before[-1].value) if is_named else ""


def _wrong_tag(name: str, before: Sequence[Token]) -> str:
    opened = _open_blocks(before)
    if name.startswith("end") or name in _WITHOUT_END:
        if opened:
            last = opened[-1]
            return f"{{% {last} … %}} is not closed before {{% {name} %}}; add {{% end{last} %}}"
        begin = name.removeprefix("end") if name not in _WITHOUT_END else "if"
        return f"{{% {name} %}} has no {{% {begin} … %}} before it; add that, or remove it"
    return f"{{% {name} %}} is unknown; the blocks of a template are {', '.join(_BLOCKS)}"


def _not_closed(before: Sequence[Token]) -> str | None:
    """Return which mark or block at the end of a text is open."""
    marks = [token for token in before if token.type in (*_BEGINS, *_ENDS)]
    if marks and marks[-1].type in _BEGINS:
        begin = marks[-1].value.rstrip("-+")
        return f"{begin} is not closed; add {_CLOSING[begin]}"
    if opened := _open_blocks(before):
        return f"{{% {opened[-1]} … %}} is not closed; add {{% end{opened[-1]} %}}"
    return f"a value is missing before {marks[-1].value}; write one" if marks else None


def _open_blocks(tokens: Sequence[Token]) -> list[str]:
    opened: list[str] = []
    for position, (begin, token) in enumerate(pairwise(tokens)):
        name = token.value if begin.type == "block_begin" else ""
        kinds = [each.type for each in tokens[position + 2 : position + 4]]
        if opened and name == f"end{opened[-1]}":
            opened.pop()
        # {% set total = 3 %} has no end
        elif name in _BLOCKS and kinds != ["name", "assign"]:
            opened.append(name)
    return opened


def _unknown(tree: nodes.Template) -> Iterator[str]:
    """Yield a sentence for each filter and test that does not exist."""
    for of_kind, kind, known, others in (
        (nodes.Filter, "filter", SANDBOX.filters, "upper, default and length"),
        (nodes.Test, "test", SANDBOX.tests, "defined, none and in"),
    ):
        for node in tree.find_all(of_kind):
            if node.name not in known:
                near = nearest(node.name, FILTERS_OF_JINJA if kind == "filter" else list(known))
                hint = f"did you mean {near}?" if near else f"they are Jinja's, such as {others}"
                yield f"there is no {kind} {node.name!r}; {hint}"


def _shown(token: Token) -> str:
    if token.type == "string":
        return repr(token.value)
    return str(reverse_operators.get(token.type, token.value))
