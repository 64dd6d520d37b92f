"""Follow the pages of a response: by cursors, by page numbers, or by addresses.

A page that is missing makes a count too small, which must not look like a loss. So whatever leaves
open whether all pages were read is an error: a cursor or an address that comes again, a page that
comes again, `more` without a cursor, and rows that are fewer or more than `total`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from config.urls import origin_of
from scenarios.language.apis import Paging
from witnesses.api.pick import PickInvalid, find_value
from witnesses.api.request import Parameter
from witnesses.database.values import count_of

MAX_PAGES = 1_000

_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s";,]+))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*"?(?:[^";]*\s)?next(?:\s[^";]*)?"?(?:$|\s*;)', re.IGNORECASE)


class PagesMissing(Exception):
    """Not all pages can be read; the message is the rest of a sentence about the response."""


@dataclass(frozen=True)
class Page:
    """One response: its address, the value of its `Link` header, its JSON, and its rows."""

    url: str
    link: str
    content: Any
    rows: int


@dataclass(frozen=True)
class NextPage:
    """What selects the next page: a parameter, or an address."""

    parameter: Parameter | None = None
    url: str = ""


class Pager:
    """Finds after each page which one is next, and that none is missing."""

    def __init__(self, paging: Paging | None) -> None:
        """Begin at the first page."""
        self._paging = paging
        self._seen: set[str] = set()
        self._rows = self._pages = 0
        self._number = paging.first if paging else 0
        self._last: Page | None = None

    def first(self) -> NextPage:
        """Return the first page."""
        if self._paging and self._paging.page:
            return self._selected(self._paging.page, self._number)
        return NextPage()

    def after(self, page: Page) -> NextPage | None:
        """Return the page after a page, or None after the last one. Raises PagesMissing."""
        self._pages, self._rows = self._pages + 1, self._rows + page.rows
        if self._paging is None:
            return None
        following = self._following(self._paging, page)
        if following and self._pages >= MAX_PAGES:
            raise PagesMissing(f"has more than {MAX_PAGES:,} pages")
        if following is None and self._paging.total:
            self._check_total(self._paging.total, page)
        return following

    def _following(self, paging: Paging, page: Page) -> NextPage | None:
        if paging.link:
            url = next_link(page.link, page.url)
            return NextPage(url=self._unseen(url, "its Link header")) if url else None
        if paging.more and not self._find(paging.more, page):
            return None
        if paging.url:
            return self._by_url(paging, page)
        if paging.cursor:
            return self._by_cursor(paging, page)
        return self._by_number(paging, page)

    def _by_number(self, paging: Paging, page: Page) -> NextPage | None:
        """Return the next page number. One page without rows may be an error: two are the end.

        rows, rows, none, none    the end          rows, none, rows    a page is missing
        """
        last, self._last = self._last, page
        was_empty = last is not None and not last.rows
        if not paging.more and was_empty and page.rows:
            raise PagesMissing(
                f"has no rows on the page before page {self._number}, which has some"
            )
        if not paging.more and not page.rows and (was_empty or last is None):
            return None
        if page.rows and last is not None and page.content == last.content:
            raise PagesMissing(f"has the same page {self._number} as before")
        self._number += paging.step
        return self._selected(paging.page or "", self._number)

    def _selected(self, name: str, value: Any) -> NextPage:
        is_in_query = self._paging is not None and self._paging.place == "query"
        return NextPage(Parameter(name, value, is_in_query))

    def _by_url(self, paging: Paging, page: Page) -> NextPage | None:
        found = self._find(paging.url or "", page)
        if not found and not paging.more:
            return None
        if not isinstance(found, str) or not found:
            raise PagesMissing(f"has a further page and no address at {paging.url}")
        url = on_same_origin(found, page.url, f"an address at {paging.url}")
        return NextPage(url=self._unseen(url, f"its address at {paging.url}"))

    def _by_cursor(self, paging: Paging, page: Page) -> NextPage | None:
        cursor = self._find(paging.cursor or "", page)
        if cursor in (None, "", []):
            if paging.more:
                raise PagesMissing(f"has a further page and no {paging.cursor}")
            return None
        self._unseen(json.dumps(cursor, sort_keys=True), f"its cursor {paging.cursor}")
        return self._selected(paging.parameter or "", cursor)

    def _unseen(self, key: str, what: str) -> str:
        if key in self._seen:
            raise PagesMissing(f"repeats a page: {what} has come before")
        self._seen.add(key)
        return key

    def _check_total(self, expression: str, page: Page) -> None:
        found = self._find(expression, page)
        try:
            total = count_of(found)
        except ValueError:
            raise PagesMissing(f"has no number at {expression}") from None
        if found is None or total != self._rows:
            shown = "none" if found is None else f"{float(total):,.12g}"
            raise PagesMissing(f"has {self._rows:,} rows on {self._pages:,} pages, "
                               f"and {expression} is {shown}")  # fmt: skip

    def _find(self, expression: str, page: Page) -> Any:
        try:
            return find_value(expression, page.content)
        except PickInvalid as error:
            raise PagesMissing(f"cannot be paged: {expression} {error}") from error


def next_link(header: str, url: str) -> str:
    """Return the address of the next page that a `Link` header has, or "". Raises PagesMissing.

    An address of another origin is refused, since it would be sent the credentials.

    >>> next_link('</u?page=1>; rel="prev", </u?page=3>; rel="next"', "https://a.example/u?page=2")
    'https://a.example/u?page=3'
    """
    targets = (target for target, parameters in _LINK.findall(header) if _NEXT.search(parameters))
    target = next(targets, None)
    return "" if target is None else on_same_origin(target, url, "a Link header")


def on_same_origin(target: str, url: str, what: str) -> str:
    """Return the address of a page, which may be relative to another one. Raises PagesMissing."""
    try:
        address: str = urljoin(url, target)
        is_same = origin_of(address) == origin_of(url) and not urlsplit(address).username
    except ValueError:
        is_same = False
    if not is_same:
        raise PagesMissing(f"has {what} that leads to another origin")
    return address


def unmet(expected: Mapping[str, Any], content: Any) -> str:
    """Return which expectation a page does not meet, or "". Raises PickInvalid."""
    for expression, value in expected.items():
        found = find_value(expression, content)
        # 1 == True in Python
        if found != value or isinstance(found, bool) is not isinstance(value, bool):
            return f"{expression} is not {json.dumps(value, default=str)}"
    return ""
