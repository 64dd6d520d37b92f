"""The addresses of traces, from the link of the environment."""

from urllib.parse import quote

from checks.result import Result
from config.links import TRACE_ID

_MOST_CHARACTERS = 1000
_SCHEMES = ("http://", "https://")


def trace_url(result: Result, trace_id: str) -> str:
    """Return the address of a trace, or "" where the run has no link for traces.

    A result may come from elsewhere: what is no web address is no link.
    """
    link = result.trace_link
    if not link.startswith(_SCHEMES) or len(link) > _MOST_CHARACTERS:
        return ""
    return link.replace(TRACE_ID, quote(trace_id, safe=""))
