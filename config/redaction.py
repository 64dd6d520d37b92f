"""Redact secrets from text, in every form in which a system echoes them.

Redaction happens where bytes become evidence or output, before anything is cut. A text is searched
as it is, and as it reads with one or more layers of escapes decoded (`config.escapes`): for each
secret in either case, its hexadecimal form, and its Base64 forms, even within the Base64 of a
longer text. Of a secret of 16 characters or more, the first half is found, too, since a system may
cut its own messages; likewise what begins or ends a secret at the end or beginning of the text.
"""

import base64
import functools
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import quote

from config.escapes import View, as_written, decoded_views
from config.secrets import secrets_in

Span = tuple[int, int]

_REDACTED = "***"
_REDACTED_NAME = "redacted"  # valid as a name in an exposition, and as a value in YAML
# Shorter secrets are redacted as they are only: their other forms could be anybody's words.
_SHORTEST_ENCODED = 4
_SHORTEST_WITHIN = 8
_SHORTEST_PART = 6
_MAX_SEARCHED, _MAX_SAVED = 100, 1_000
_MAX_REPEATED, _LONGEST_REPEATED = 1_000, 2_000
_REST_OF_BASE64 = re.compile("[A-Za-z0-9+/_-]?(?:=|%3[Dd]){1,2}")
_BEFORE_SAMPLE, _AFTER_SAMPLE = re.compile(r',\s*"$'), re.compile(r'"\s*\]')
_SPACES = 40  # before a sample, at most, in an indented document
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
_LONGEST_ESCAPE = 12  # one character as \\uXXXX\\uXXXX, or as %25E2%25…


def redact(text: str, secrets: Iterable[str], length: int | None = None) -> str:
    """Replace secrets in a text, whatever encoding they have in it.

    With a length, no more characters are kept: the text is cut after it was searched, so that
    no half of a secret is left before the cut.

    >>> redact("who sent Bearer abc?", ["abc"])
    'who sent Bearer ***?'
    >>> redact("who sent Bearer abcdef?", ["abcdef"], length=19)
    'who sent Bearer ***'
    """
    matcher = _matcher(tuple(secrets))
    if length is None:
        return _replaced(text, matcher.spans(text))
    searched = text[: length + matcher.reach]
    spans = [span for span in matcher.spans(searched) if span[0] < length]
    return _replaced(searched[: max([length, *(end for _, end in spans)])], spans)


def redact_yaml(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a YAML document, which stays one."""
    return _replaced(text, _matcher(tuple(secrets)).spans(text), _REDACTED_NAME)


def redact_document(content: bytes, secrets: Iterable[str]) -> bytes:
    """Replace secrets in an exposition or a JSON document, which stays one.

    Within strings and comments they become `***`, in a name `redacted`. A number stays, even if it
    equals a secret that consists of digits: it is what the document counts.
    """
    text = content.decode(errors="surrogateescape")
    spans = _matcher(tuple(secrets)).spans(text)
    if not spans:
        return content
    parts, end, quotes = [], 0, 0
    for start, stop in spans:
        between = text[end:start]
        _, newline, rest = between.rpartition("\n")
        quotes = (0 if newline else quotes) + len(_QUOTE.findall(rest if newline else between))
        parts += [between, _replacement(text, (start, stop), is_string=quotes % 2 == 1)]
        end = stop
    return "".join([*parts, text[end:]]).encode(errors="surrogateescape")


def _replacement(text: str, span: Span, *, is_string: bool) -> str:
    """Return what stands in a document instead of a span."""
    found = text[slice(*span)]
    is_number = not re.search("[^0-9.]", found)
    before = text[max(0, span[0] - _SPACES) : span[0]]
    is_sample = bool(_BEFORE_SAMPLE.search(before) and _AFTER_SAMPLE.match(text, span[1]))
    is_comment = text.startswith("#", text.rfind("\n", 0, span[0]) + 1)
    if is_number and (is_sample or not is_string) and not is_comment:
        return found
    return _REDACTED if is_string else _REDACTED_NAME


def _replaced(text: str, spans: Iterable[Span], replacement: str = _REDACTED) -> str:
    parts, end = [], 0
    for start, stop in spans:
        parts += [text[end:start], replacement]
        end = stop
    return "".join([*parts, text[end:]])


class ObtainedTokens:
    """The latest tokens that a process has obtained for itself: secrets wherever it redacts."""

    def __init__(self) -> None:
        """Begin without any."""
        self._tokens: deque[str] = deque(maxlen=_MAX_SEARCHED)

    def learn(self, token: str) -> None:
        """Take a token for a secret, from now on."""
        self._tokens.append(token)

    def __iter__(self) -> Iterator[str]:
        """Yield each token."""
        return iter(tuple(self._tokens))


OBTAINED = ObtainedTokens()


@dataclass
class Secrets:
    """The secrets of a run: those of its files, and the latest of its responses and its tokens.

    `own` returns the values of the virtual user whose response is at hand: they are known however
    many others came since. `columns` are the secret ones of data rows, by the variable of the row.
    """

    of_files: tuple[str, ...] = ()
    obtained: ObtainedTokens = field(default_factory=ObtainedTokens)
    own: Callable[[], Iterable[Any]] = tuple
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _saved: deque[Any] = field(default_factory=lambda: deque(maxlen=_MAX_SAVED))
    _redacted: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of_process(of_files: tuple[str, ...]) -> "Secrets":
        """Return the secrets of files, and the tokens that this process obtains."""
        return Secrets(of_files, OBTAINED)

    def learn(self, value: Any) -> None:
        """Take the texts of a saved value for secrets; of very many values, the latest count.

        Under load this is called for each token, so that nothing is computed yet.
        """
        self._saved.append(value)

    @property
    def learned(self) -> tuple[str, ...]:
        """The secrets that responses brought: those of the SUT, and those of token endpoints."""
        return self._texts_of(self._saved)

    def _texts_of(self, values: Iterable[Any]) -> tuple[str, ...]:
        saved = (secret for each in values for secret in secrets_in(each))
        return tuple(dict.fromkeys((*saved, *self.obtained)))

    def redact_repeated(self, text: str) -> str:
        """Redact a text that comes again and again, such as the reason of a failure; cut it."""
        if len(text) > _LONGEST_REPEATED:
            return f"{redact(text, self, _LONGEST_REPEATED)}…"
        redacted = self._redacted.get(text)
        if redacted is None:
            if len(self._redacted) >= _MAX_REPEATED:
                self._redacted.clear()
            redacted = self._redacted[text] = redact(text, self)
        return redacted

    def __iter__(self) -> Iterator[str]:
        """Yield each secret, of those that responses brought the latest ones."""
        yield from self.of_files
        latest = islice(self._saved, max(0, len(self._saved) - _MAX_SEARCHED), None)
        yield from self._texts_of((*self.own(), *latest))


@dataclass(frozen=True)
class _Matcher:
    """What to search for: in either case, or exactly as it is, and how far it may reach.

    `prefixes` are first halves, each with the whole. `reach` is the length of the longest form.
    """

    folded: tuple[str, ...]
    base64: tuple[str, ...]
    exact: tuple[str, ...]
    prefixes: tuple[tuple[str, str], ...]
    reach: int

    def spans(self, text: str) -> list[Span]:
        """Return where a secret stands, merged and in order."""
        if not self.reach:
            return []
        found = {
            as_written(view, span) for view in decoded_views(text) for span in self._found_in(view)
        }
        return _merged(found)

    def _found_in(self, view: View) -> Iterator[Span]:
        folded = fold(view.text)
        for needle in self.folded:
            yield from _occurrences(folded, needle)
            yield from _parts_at_ends(folded, needle)
        for half, whole in self.prefixes:
            for start, end in _occurrences(folded, half):
                rest = folded[end : start + len(whole)]
                yield start, end + _common_length(rest, whole[len(half) :])
        for text, needles in ((folded, self.base64), (view.text, self.exact)):
            for needle in needles:
                for start, end in _occurrences(text, needle):
                    padding = _REST_OF_BASE64.match(text, end)
                    is_base64 = len(needle) >= _SHORTEST_ENCODED
                    yield start, padding.end() if padding and is_base64 else end
        for needle in self.base64:
            yield from _parts_at_ends(folded, needle)


@dataclass(frozen=True)
class _Forms:
    """The forms of one secret, as in `_Matcher`."""

    folded: tuple[str, ...] = ()
    base64: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    prefixes: tuple[tuple[str, str], ...] = ()


@functools.lru_cache(maxsize=64)
def _matcher(secrets: tuple[str, ...]) -> _Matcher:
    """Return the forms of all secrets."""
    forms = [_forms(secret) for secret in secrets if secret]
    folded = tuple(dict.fromkeys(form for each in forms for form in each.folded))
    in_base64 = tuple(dict.fromkeys(form for each in forms for form in each.base64))
    exact = tuple(dict.fromkeys(form for each in forms for form in each.exact))
    prefixes = tuple(dict.fromkeys(pair for each in forms for pair in each.prefixes))
    longest = max(map(len, (*folded, *in_base64, *exact)), default=0)
    return _Matcher(folded, in_base64, exact, prefixes, longest * _LONGEST_ESCAPE)


@functools.lru_cache(maxsize=512)
def _forms(secret: str) -> _Forms:
    """Compute the forms of a secret."""
    if len(secret) < _SHORTEST_ENCODED:
        return _Forms(exact=(secret,))
    whole, contents = fold(secret), _contents(secret)
    half = whole[: len(whole) // 2]
    in_base64 = dict.fromkeys(form for content in contents for form in _base64_forms(content))
    return _Forms(
        (whole, *(content.hex() for content in contents)),
        tuple(dict.fromkeys(fold(form) for form in in_base64 if len(form) >= _SHORTEST_WITHIN)),
        # a short one in another case could be anybody's word
        tuple(form for form in in_base64 if len(form) < _SHORTEST_WITHIN),
        ((half, whole),) if len(half) >= _SHORTEST_WITHIN else (),
    )


def fold(text: str) -> str:
    """Return a text in lower case, with each character at its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


def _contents(secret: str) -> set[bytes]:
    """Return the bytes that may be encoded: the secret, and the secret escaped."""
    texts = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
             quote(secret, safe="", errors="surrogatepass")}  # fmt: skip
    return {text.encode(errors="surrogatepass") for text in texts}


def _base64_forms(content: bytes) -> Iterator[str]:
    """Yield the Base64 forms without padding, and the forms within those of a longer text.

    offset 0   AAAAAABB|BBBBCCCC|CCDDDDDD      a letter of Base64 has six bits: what it shares
    offset 1   ……AAAAAA|AABBBBBB|BBBBCCCC      with the bytes around the secret is left out
    """
    for alphabet in (None, b"-_"):
        yield base64.b64encode(content, alphabet).decode().rstrip("=")
        for offset in range(3) if len(content) >= _SHORTEST_WITHIN else ():
            encoded = base64.b64encode(bytes(offset) + content, alphabet).decode()
            yield encoded[-(-offset * 8 // 6) : (offset + len(content)) * 8 // 6]


def _occurrences(text: str, needle: str) -> Iterator[Span]:
    at = text.find(needle)
    while at >= 0:
        yield at, at + len(needle)
        at = text.find(needle, at + 1)


def _parts_at_ends(text: str, needle: str) -> Iterator[Span]:
    """Yield the beginning of a secret at the end of a text, and its end at the beginning."""
    last, first = text[-_SHORTEST_PART:], text[:_SHORTEST_PART]
    if len(last) < _SHORTEST_PART:
        return
    for _, end in _occurrences(needle, last):
        if text.endswith(needle[:end]):
            yield len(text) - end, len(text)
    for start, _ in _occurrences(needle, first):
        if text.startswith(needle[start:]):
            yield 0, len(needle) - start


def _common_length(text: str, other: str) -> int:
    pairs = enumerate(zip(text, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(text), len(other)))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, with those that overlap as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
