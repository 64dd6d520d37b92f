"""Parts of a response as text: headers, the cookies that it sets, its body."""

import re
from collections.abc import Iterator

from scenarios.http.messages import Response

_CHARSET = re.compile(r'charset\s*=\s*"?([\w.:+-]{1,40})')
# Those of the web. Others of Python's are slow (punycode), fail or decompress.
_CHARSETS = frozenset(
    [
        "ascii", "us-ascii", "utf8", "utf-8", "utf-16", "utf-16le", "utf-16be", "latin1", "latin-1",
        *(f"iso-8859-{part}" for part in range(1, 17) if part != 12),  # noqa: PLR2004
        *(f"{kind}125{page}" for kind in ("windows-", "cp") for page in range(9)),
        "koi8-r", "koi8-u", "cp866", "ibm866", "macintosh", "tis-620", "gb2312", "gbk", "gb18030",
        "big5", "big5-hkscs", "euc-jp", "iso-2022-jp", "shift-jis", "sjis",
        "cp932", "euc-kr", "cp949",
    ]
)  # fmt: skip


def header_texts(head: bytes, name: str) -> Iterator[str]:
    r"""Yield the value of each header of a name, in any case of letters.

    >>> list(header_texts(b"HTTP/1.1 200 OK\r\nETag: x\r\netag:  Y \r\n", "ETAG"))
    ['x', 'Y']
    """
    wanted = name.lower().encode("latin-1", "replace")
    for line in head.split(b"\r\n")[1:]:
        written, colon, value = line.partition(b":")
        if colon and written.strip().lower() == wanted:
            yield _decoded(value.strip(b" \t"))


def header_text(head: bytes, name: str) -> str | None:
    """Return the value of a header, several joined by commas, or None without it."""
    values = list(header_texts(head, name))
    return ", ".join(values) if values else None


def set_cookie_value(head: bytes, name: str) -> str | None:
    """Return the value of a cookie that a response sets last, or None."""
    found = None
    for text in header_texts(head, "Set-Cookie"):
        pair = text.partition(";")[0]
        written, _, value = pair.partition("=")
        if written.strip() == name:
            found = value.strip()
    return found


def body_text(response: Response) -> str:
    """Return the body as text, in the charset of its type, else UTF-8."""
    found = _CHARSET.search(response.content_type)
    charset = found[1].lower().replace("_", "-") if found else "utf-8"
    return response.body.decode(charset if charset in _CHARSETS else "utf-8", errors="replace")


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
