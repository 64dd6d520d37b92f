"""Links from a report to other tools, as an environment file has them."""

from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from config.models import StrictModel
from config.secrets import Value, values_of_part, values_of_query
from config.verbatim import TextPart

TRACE_ID = "{trace_id}"


def _trace_link(text: str) -> str:
    # A password may stand in it: what has an @ is not quoted.
    try:
        parts = urlsplit(text)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number up to 65535, or a bracket has no counterpart
        parts, has_host = urlsplit(""), False
    if parts.username is not None:
        raise ValueError("a link must not contain a user and password: reports show it")
    if parts.scheme not in ("http", "https") or not has_host or not text.isprintable():
        raise ValueError("not a link; write http://… or https://…")
    if " " in text or not text.isascii():
        raise ValueError("a link is ASCII without spaces; write %20 and the like")
    if TRACE_ID not in text:
        raise ValueError(f"the link names no trace; write {TRACE_ID} where its id belongs")
    if TRACE_ID in parts.netloc:
        raise ValueError(f"{TRACE_ID} belongs into the path, query or fragment, not into the host")
    return text


class Links(StrictModel):
    """Addresses that a report links to.

    `trace` is the address of one trace in a tracing UI; `{trace_id}` stands for the `X-Trace-ID` of
    a request.
    """

    trace: Annotated[str, AfterValidator(_trace_link)]


def values_of_link(parts: Sequence[TextPart]) -> Iterator[Value]:
    """Yield what can be secret of a link: what variables hold beyond its host, and its query.

    Unlike in other addresses, the rest of the query is none: people read and share links.
    """
    link = "".join(part.text for part in parts)
    # As a template, the id is no value.
    yield from values_of_query(urlsplit(link.replace(TRACE_ID, "{{ trace_id }}")).query)
    before = ""
    for part in parts:
        if part.is_verbatim and "://" in before:
            yield from values_of_part(part, before)
        before += part.text
