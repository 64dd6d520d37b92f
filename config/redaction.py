r"""Redact secrets from text that leaves the process, in every form in which a response echoes them.

A pattern is compiled once per set of secrets. It matches a secret letter by letter, each as it is
or escaped (`%2F`, `\u002f`, `\/`, `&#47;`, `&amp;`), in either case, and also its hexadecimal and
its Base64 forms, even within the Base64 of a longer text.
"""

import base64
import functools
import html
import re
from collections.abc import Iterable, Iterator

_REDACTED = "***"
# Shorter secrets are redacted as they are only: their other forms could be anybody's words.
_SHORTEST_ENCODED = 4
_SHORTEST_WITHIN = 8
_REST_OF_BASE64 = "(?:[A-Za-z0-9+/_-]?(?:=|%3[Dd]){1,2})?"


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text, whatever encoding they have in it.

    Redact before truncating: half a secret would not be found.

    >>> redact("who sent Bearer abc?", ["abc"])
    'who sent Bearer ***?'
    """
    pattern = _pattern(tuple(secrets))
    return pattern.sub(_REDACTED, text) if pattern else text


@functools.lru_cache(maxsize=64)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str] | None:
    """Compile the forms of all secrets, the longest first: one may be the beginning of another."""
    forms = {form: None for secret in secrets if secret for form in _forms(secret)}
    if not forms:
        return None
    return re.compile("|".join(sorted(forms, key=len, reverse=True)))


def _forms(secret: str) -> Iterator[str]:
    """Yield the patterns of one secret."""
    if len(secret) < _SHORTEST_ENCODED:
        yield _escaped(secret)
        return
    yield f"(?i:{_escaped(secret)})"
    content = secret.encode(errors="surrogatepass")
    yield f"(?i:{content.hex()})"
    for alphabet in (None, b"-_"):
        for form in _base64_forms(content, alphabet):
            yield f"{_escaped(form)}{_REST_OF_BASE64}"


def _base64_forms(content: bytes, alphabet: bytes | None) -> Iterator[str]:
    """Yield the Base64 form without padding, and the forms within that of a longer text.

    offset 0   AAAAAABB|BBBBCCCC|CCDDDDDD      a letter of Base64 has six bits: what it shares
    offset 1   ……AAAAAA|AABBBBBB|BBBBCCCC      with the bytes around the secret is left out
    """
    yield base64.b64encode(content, alphabet).decode().rstrip("=")
    if len(content) < _SHORTEST_WITHIN:
        return
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + content, alphabet).decode()
        first = -(-offset * 8 // 6)
        whole = (offset + len(content)) * 8 // 6
        yield encoded[first:whole]


def _escaped(text: str) -> str:
    return "".join(map(_letter, text))


@functools.cache
def _letter(letter: str) -> str:
    """Return the pattern of one character, as it is or escaped; hexadecimal digits in any case."""
    if letter.isascii() and letter.isalnum():
        return letter
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in letter.encode(errors="surrogatepass"))
    units = letter.encode("utf-16-be", errors="surrogatepass").hex()
    unicode = "".join(rf"\\{{1,3}}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    forms = [rf"\\{{0,3}}{re.escape(letter)}", f"(?i:{percent})", f"(?i:{unicode})",
             f"&#0*{ord(letter)};", f"(?i:&#x0*{ord(letter):x};)"]  # fmt: skip
    named = html.escape(letter, quote=True)
    forms += [re.escape(named)] if named != letter else []
    forms += [r"\+"] if letter == " " else []
    return f"(?:{'|'.join(forms)})"
