r"""Decode the escapes of a text, layer by layer, and find decoded characters where they stand.

Known are escapes of URLs and forms (`%2F`, `+`), of JSON and programming languages (`\/`, `\u002f`,
`\x2f`), and of HTML (`&#47;`, `&amp;`).
"""

import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

_LAYERS = 4
_MAX_VIEWS = 40


@dataclass(frozen=True)
class _Escapes:
    """One kind of escapes: the sign that begins each, its pattern, and how to decode one."""

    sign: str
    pattern: re.Pattern[str]
    decode: Callable[[str], str]

    def decoded(self, text: str) -> str:
        """Return a text with every escape of this kind decoded."""
        return self.pattern.sub(lambda match: self.decode(match[0]), text)


@dataclass(frozen=True)
class View:
    """A text as it reads, decoded from the `source` with one kind of escapes, or as it is."""

    text: str
    source: "View | None" = None
    escapes: _Escapes | None = None

    @cached_property
    def shifts(self) -> tuple[list[int], list[int], list[int]]:
        """The places of decoded characters: here, and their begin and end in the source."""
        here, begins, ends, shift = [-1], [-1], [0], 0
        if self.source and self.escapes:
            for match in self.escapes.pattern.finditer(self.source.text):
                length = len(self.escapes.decode(match[0]))
                here.append(match.start() - shift)
                begins.append(match.start())
                ends.append(match.end())
                shift += len(match[0]) - length
        return here, begins, ends


def decoded_views(text: str) -> Iterator[View]:
    """Yield a text as it is, and as it reads with up to four layers of escapes decoded."""
    layer, seen = [View(text)], {text}
    yield layer[0]
    for _ in range(_LAYERS):
        following = []
        for view in layer:
            for escapes in _KINDS:
                if escapes.sign not in view.text or len(seen) > _MAX_VIEWS:
                    continue
                decoded = escapes.decoded(view.text)
                if decoded not in seen:
                    seen.add(decoded)
                    following.append(View(decoded, view, escapes))
        yield from following
        layer = following


def as_written(view: View, span: tuple[int, int]) -> tuple[int, int]:
    """Return where the characters of a span stand in the text that the view was decoded from."""
    start, end = span
    while view.source is not None:
        start, end = _source_of(view, start)[0], _source_of(view, end - 1)[1]
        view = view.source
    return start, end


def _source_of(view: View, at: int) -> tuple[int, int]:
    """Return begin and end, in the source, of one character of a view."""
    here, begins, ends = view.shifts
    number = bisect_right(here, at) - 1
    if number > 0 and at < here[number] + _length(view, number):
        return begins[number], ends[number]
    behind = at - (here[number] + _length(view, number) if number else 0)
    return ends[number] + behind, ends[number] + behind + 1


def _length(view: View, number: int) -> int:
    source, escapes = view.source, view.escapes
    if source is None or escapes is None:
        return 0
    return len(escapes.decode(source.text[view.shifts[1][number] : view.shifts[2][number]]))


def _utf8(prefix: str) -> str:
    """Return the pattern of one character in UTF-8, each byte behind a prefix."""
    following = f"(?:{prefix}[89ab][0-9a-f])"
    return (
        f"{prefix}[0-7][0-9a-f]|{prefix}[cd][0-9a-f]{following}"
        f"|{prefix}e[0-9a-f]{following}{{2}}|{prefix}f[0-7]{following}{{3}}"
    )


def _of_bytes(escaped: str) -> str:
    r"""Decode `%C3%A9` or `\xc3\xa9`; what is not UTF-8 stays."""
    content = bytes.fromhex(re.sub(r"%|\\x", "", escaped))
    try:
        return content.decode(errors="strict")
    except UnicodeDecodeError:
        try:
            return content.decode(errors="surrogatepass")
        except UnicodeDecodeError:
            return escaped


_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def _of_backslash(escaped: str) -> str:
    if escaped[1:2] == "u":
        units = bytes.fromhex(escaped.replace("\\u", ""))
        return units.decode("utf-16-be", errors="surrogatepass")
    if escaped[1:2] == "x" and escaped != r"\x":
        return _of_bytes(escaped)
    return _CONTROLS.get(escaped[1:], escaped[1:])


_UNIT = "(?i:[0-9a-f]{4})"
_PAIR = r"\\u(?i:d[89ab][0-9a-f]{2})\\u(?i:d[c-f][0-9a-f]{2})"
_KINDS = (
    _Escapes("%", re.compile(_utf8("%"), re.IGNORECASE), _of_bytes),
    _Escapes(
        "+", re.compile(r"\+|" + _utf8("%"), re.IGNORECASE),
        lambda escaped: " " if escaped == "+" else _of_bytes(escaped),
    ),
    _Escapes(
        "\\", re.compile(rf"{_PAIR}|\\u{_UNIT}|(?i:{_utf8(chr(92) * 2 + 'x')})|\\.", re.DOTALL),
        _of_backslash,
    ),
    _Escapes(
        "&", re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});"), html.unescape
    ),
)  # fmt: skip
