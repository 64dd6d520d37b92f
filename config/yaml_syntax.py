"""Explain where the syntax of a YAML file is wrong, what is wrong, and what to write instead.

YAML's own messages name what the parser had expected. The remedy follows from the line that it
could not read, and from where the construct around it began. A quotation mark that is not closed
is noticed lines later, so that the line that opens it is reported.
"""

import re
from collections.abc import Callable

import yaml

_INDICATORS = "%@`"
_BLOCK_SCALARS = "|>"
_CURLY_QUOTES = "“”„‘’"
_NO_BREAK_SPACE = "\u00a0"
_QUOTED = re.compile(r"""(?<![^\s,:\[{-])("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""")
_OPEN_QUOTE = re.compile(r"""(?<![^\s,:\[{-])["'](?!.*["'])""")
_COLON_WITHOUT_SPACE = re.compile(r"\s*(?:- )?[\w-]+:[^\s/:]")
_DASH_WITHOUT_SPACE = re.compile(r"\s*-\w+:(\s|$)")
_TEXT_AFTER_QUOTE = re.compile(r"""[:,\[{-]\s*("[^"]*"|'[^']*')\s*[^\s,\]}:#]""")
_COLON_IN_VALUE = re.compile(r"""^\s*(?:- )?[\w. -]+:\s+[^\s"'\[{|>&*#].*(?::\s|:$)""")
_TEMPLATE = re.compile(r"(?:[:,]|^\s*-)\s+\{\{|[:-]\s+[{\[].*\{\{")
_VARIABLE = re.compile(r"(?<!\$)[{\[].*\$\{")
_CLOSING = {"[": "]", "{": "}"}
_INDENTATION = (
    "the indentation does not fit to the lines above; line up the keys of one mapping, and give "
    "each a colon"
)
_MIXED = (
    "the dash does not line up; write the entries of a list at one depth, and no key beside them"
)
_SEPARATOR = re.compile(r"---(\s|$)")


def syntax_mistake(text: str, error: Exception) -> tuple[int | None, str]:
    """Return the line (from 1) of a syntax error, and one sentence with the remedy."""
    lines = text.split("\n")
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return _unreadable(text, error)
    at = min(mark.line, len(lines) - 1)
    context = getattr(error, "context_mark", None)
    opened = context.line if context is not None else at
    if (quote := _unclosed_quote(lines, opened, at)) is not None:
        return quote + 1, "a quotation mark is opened here and not closed; close it in this line"
    if remedy := _remedy_of_line(lines[at], _LINE_RULES):
        return at + 1, remedy
    # without a key in it, a line is a part of the value that the next line goes on with
    if at and (remedy := _remedy_of_line(lines[at - 1], _NO_KEY)):
        return at, remedy
    if (closing := _unopened_bracket(lines, at)) is not None:
        return closing + 1, "a bracket is closed here that is not open; remove it"
    return _remedy_by_place(lines, at, mark.column, context)


def _unreadable(text: str, error: Exception) -> tuple[int | None, str]:
    """Return the sentence of an error without a line: a character that YAML does not allow."""
    position = getattr(error, "position", None)
    if position is None:
        return None, "it is nested too deeply; write fewer levels"
    return text.count("\n", 0, position) + 1, "a control character; remove it, or write an escape"


def _unclosed_quote(lines: list[str], first: int, last: int) -> int | None:
    """Return the first line that opens a quotation mark and does not close it."""
    for number in range(first, last + 1):
        if _OPEN_QUOTE.search(_QUOTED.sub("", lines[number])):
            return number
    return None


def _unopened_bracket(lines: list[str], last: int) -> int | None:
    """Return the first line that closes a bracket which is not open."""
    depth = 0
    for number, line in enumerate(lines[: last + 1]):
        for character in _QUOTED.sub("", line).partition(" #")[0]:
            depth += (character in "[{") - (character in "]}")
            if depth < 0:
                return number
    return None


def _remedy_of_line(line: str, rules: "_Rules") -> str:
    """Return the remedy of the first rule that a line breaks, or ""."""
    bare = _QUOTED.sub('""', line)
    return next((remedy for is_broken, remedy in rules if is_broken(line, bare)), "")


def _begins_with(characters: str) -> Callable[[str, str], object]:
    pattern = re.compile(rf"(?:[:\[{{,]|^\s*-)\s+[{re.escape(characters)}]\S")
    return lambda _, bare: pattern.search(bare)


# whether a line, also without its quoted texts, is wrong; and the remedy
_Rules = tuple[tuple[Callable[[str, str], object], str], ...]
_NO_KEY: _Rules = (
    (lambda _, bare: _NO_BREAK_SPACE in bare,
     "a no-break space; write a plain space"),
    (lambda line, _: _DASH_WITHOUT_SPACE.match(line),
     "a dash needs a space after it, as in - step: name"),
    (lambda _, bare: _COLON_WITHOUT_SPACE.match(bare),
     "a colon needs a space after it, as in key: value"),
)  # fmt: skip
_LINE_RULES: _Rules = (
    *_NO_KEY,
    (lambda _, bare: "\t" in bare,
     "a tab stands here; indent and separate with spaces"),
    (lambda _, bare: any(quote in bare for quote in _CURLY_QUOTES),
     "a curly quotation mark is text in YAML; write \" or '"),
    (lambda _, bare: _TEMPLATE.search(bare),
     'a value with {{ … }} must be quoted as a whole, as in "{{ name }}"'),
    (lambda _, bare: _VARIABLE.search(bare),
     'a value with ${…} in braces or brackets must be quoted, as in "${NAME}"'),
    (_begins_with(_INDICATORS),
     "a value must not begin with %, @ or `; quote it"),
    (_begins_with(_BLOCK_SCALARS),
     "a value that begins with | or > must be quoted"),
    (lambda line, _: _TEXT_AFTER_QUOTE.search(line),
     "text follows a closing quotation mark; quote the whole value, and within '…' double a '"),
    (lambda _, bare: _COLON_IN_VALUE.match(bare),
     "a value that has a colon and a space in it, or ends in a colon, must be quoted"),
    (lambda line, _: _SEPARATOR.match(line),
     "--- begins a second document; write one document per file"),
)  # fmt: skip


def _remedy_by_place(
    lines: list[str], at: int, column: int, context: yaml.Mark | None
) -> tuple[int, str]:
    """Return the remedy that follows from the characters at the error and where it began."""
    character = lines[at][column : column + 1]
    opener = lines[context.line][context.column : context.column + 1] if context else ""
    if opener == '"' and character not in ("", '"'):
        return at + 1, f"\\{character} is no escape in \"…\"; write \\\\{character}, or use '…'"
    if opener in _CLOSING and context:
        missing = f"a comma or the {_CLOSING[opener]} is missing"
        return context.line + 1, f"after this {opener}, {missing}, or a text is not quoted"
    return at + 1, _MIXED if character == "-" else _INDENTATION
