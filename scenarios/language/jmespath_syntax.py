"""Explain what is wrong with an expression that is no JMESPath, and what was meant.

Most such expressions are JSONPath, JSON Pointer or the path of another tool. Each has a rewriting;
the first one that is JMESPath is suggested.
"""

import re
from collections.abc import Callable, Iterator

import jmespath
from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    JMESPathError,
    LexerError,
    ParseError,
)

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SPECIAL_NAME = re.compile(r"[\w$](?:[\w $/:#-]*[\w$])?")
_SEGMENT = re.compile(r"[^.\[\]|()&,{}'\"`]+")
_COMPARED = re.compile(r"(==|!=|<=|>=|<|>)\s*(-?\d+(?:\.\d+)?|true|false|null)(?![\w.])")
_REWRITINGS: tuple[Callable[[str], str], ...] = (
    # JSONPath's root and brackets
    lambda text: re.sub(r"\['(\w+)'\]", r".\1", text.removeprefix("$")).lstrip("."),
    lambda text: re.sub(r"\.(\d+)(?=$|[.\[])", r"[\1]", text),  # an index after a dot
    lambda text: _COMPARED.sub(r"\1 `\2`", text),  # JMESPath's literals are in backticks
    lambda text: re.sub(r"(?<![=!<>])=(?![=])", "==", text),
    lambda text: re.sub(r"\.'([^']*)'", r'."\1"', text),
    lambda text: ".".join(filter(None, text.split("/"))),  # JSON Pointer
)


def syntax_mistake(expression: str, error: JMESPathError) -> str:
    """Return what is wrong with an expression, and the remedy."""
    if isinstance(error, EmptyExpressionError):
        return "it is empty; write for example items[0].id"
    if meant := next(_meanings(expression), ""):
        quoted = f"; in YAML, '{meant}'" if '"' in meant else ""
        return f"did you mean {meant}{quoted}?"
    if ".." in expression:
        return "it has no .. for any depth; name each level, as in order.items[0].id"
    for opening, closing in ("[]", "{}", "()"):
        if expression.count(opening) > expression.count(closing):
            return f"its {opening} is not closed; add {closing}"
    return _misplaced(error)


def _misplaced(error: JMESPathError) -> str:
    """Return where an expression is wrong."""
    if isinstance(error, IncompleteExpressionError) or getattr(error, "token_value", None) == "":
        return "it ends too early; complete it, or remove its last character"
    if isinstance(error, LexerError):
        position, found = error.lexer_position, error.lexer_value
    elif isinstance(error, ParseError):
        position, found = error.lex_position, error.token_value
    else:
        return "it cannot be read; write for example items[0].id"
    return (f"{str(found)[:20]!r} at column {position + 1} does not belong there; "
            "put a name with special characters into double quotes")  # fmt: skip


def _meanings(expression: str) -> Iterator[str]:
    """Yield the rewritings of an expression that are JMESPath: each, those up to it, quoted."""
    together = expression
    for rewrite in _REWRITINGS:
        together = rewrite(together)
        for candidate in (rewrite(expression), together):
            if candidate != expression and _is_jmespath(candidate):
                yield candidate
    quoted = _SEGMENT.sub(_quoted_segment, expression)
    if quoted != expression and _is_jmespath(quoted):
        yield quoted


def _quoted_segment(match: re.Match[str]) -> str:
    name = match[0]
    is_special = _SPECIAL_NAME.fullmatch(name) and not _PLAIN_NAME.fullmatch(name)
    return f'"{name}"' if is_special and not name.lstrip("-").isdigit() else name


def _is_jmespath(expression: str) -> bool:
    try:
        jmespath.compile(expression)
    except JMESPathError:
        return False
    return bool(expression)
