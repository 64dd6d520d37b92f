"""Fetch the whole response of a usage API: all of its pages, and the counts in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from scenarios.http.bounded_json import decode_json
from scenarios.http.fetch import Fetched
from scenarios.language.apis import ApiRequest
from scenarios.language.templates import TemplateError
from witnesses.api.client import ApiClient, UsageUnknown
from witnesses.api.paging import NextPage, Page, Pager, PagesMissing, unmet
from witnesses.api.pick import PickedRow, PickInvalid, find_value, pick_rows
from witnesses.api.request import render_request
from witnesses.figure import Reason

MAX_ROWS = 200_000
_MAX_WHOLE_BYTES = 64 * 1024 * 1024
_MS_FROM = 1e11  # an epoch of more than this is in milliseconds


@dataclass
class Usage:
    """The rows of a whole response, and the latest time from which any page counts, if known."""

    rows: list[PickedRow] = field(default_factory=list)
    pages: int = 0
    received_bytes: int = 0
    since_at: float | None = None


@dataclass(frozen=True)
class UsageQuery:
    """A request of a quantity by `labels`, and the values of its templates."""

    request: ApiRequest
    labels: Sequence[str]
    variables: Mapping[str, Any]

    def fetch(self, client: ApiClient) -> Usage:
        """Return what an API counts, of all values of `each`. Raises UsageUnknown."""
        usage = Usage()
        client.patience.begin()
        for label, values in self.request.each.items() or (("", [""]),):
            for value in values:
                self._fetch_pages(client, usage, {label: value} if label else {})
        return usage

    def _fetch_pages(self, client: ApiClient, usage: Usage, fixed: Mapping[str, str]) -> None:
        pager = Pager(self.request.paging)
        following: NextPage | None = pager.first()
        number = 0
        while following is not None:
            number += 1
            what = f"the response of the API {client.name!r}"
            try:
                page = self._fetch_page(client, following, usage, fixed)
                following = pager.after(page)
            except PagesMissing as error:
                raise UsageUnknown(Reason.USAGE_INCOMPLETE, f"{what} {error}") from error
            except PickInvalid as error:
                words = f"{what} has other contents: pick {error}"
                raise UsageUnknown(Reason.USAGE_INVALID, words) from error
            except UsageUnknown as error:
                if number == 1:
                    raise
                words = f"page {number} is missing: {error}"
                if self._is_beyond_the_last(error):
                    words += "; where it has no page after the last one, write more in paging"
                raise UsageUnknown(Reason.USAGE_INCOMPLETE, words, error.status) from error

    def _is_beyond_the_last(self, error: UsageUnknown) -> bool:
        paging = self.request.paging
        is_by_number = paging is not None and paging.page is not None and paging.more is None
        return is_by_number and error.status == HTTPStatus.NOT_FOUND

    def _fetch_page(
        self, client: ApiClient, wanted: NextPage, usage: Usage, fixed: Mapping[str, str]
    ) -> Page:
        """Fetch a page, and add what it has."""
        try:
            sent = render_request(self.request, {**self.variables, **fixed}, wanted.parameter)
        except TemplateError as error:
            raise UsageUnknown(
                Reason.API_REFUSED, f"the request cannot be made: {error}"
            ) from error
        response = client.ask(sent, wanted.url)
        content = _content(client, response)
        if wrong := unmet(self.request.expect, content):
            raise PagesMissing(f"is not complete: {wrong}")
        rows = pick_rows(self.request.pick, content, self.labels, fixed)
        usage.rows += rows
        usage.pages += 1
        usage.received_bytes += len(response.body)
        if len(usage.rows) > MAX_ROWS or usage.received_bytes > _MAX_WHOLE_BYTES:
            most = f"{MAX_ROWS:,} rows or {_MAX_WHOLE_BYTES:,} bytes"
            raise PagesMissing(f"has more than {most}; ask for less, or aggregated")
        self._note_since(usage, content)
        url = wanted.url or f"{client.url}{sent.target}"
        return Page(url, ", ".join(response.headers.get_list("Link")), content, len(rows))

    def _note_since(self, usage: Usage, content: Any) -> None:
        if self.request.since:
            at = instant_of(find_value(self.request.since, content))
            usage.since_at = at if usage.since_at is None else max(at, usage.since_at)


def _content(client: ApiClient, response: Fetched) -> Any:
    try:
        return decode_json(response.body)
    except ValueError as error:
        kind = response.headers.get("Content-Type", "no content type")[:100]
        what = f"the API {client.name!r} sent no JSON that is read ({kind}): {str(error)[:200]}"
        raise UsageUnknown(Reason.USAGE_INVALID, what, response.status) from error


def instant_of(value: Any) -> float:
    """Return an instant in epoch seconds, as APIs write it. Raises PickInvalid.

    >>> instant_of("1970-01-02T00:00:00Z"), instant_of(86_400), instant_of(1_700_000_000_000)
    (86400.0, 86400.0, 1700000000.0)
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1_000 if value > _MS_FROM else float(value)
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise PickInvalid("is not to be judged: since finds no time") from None
