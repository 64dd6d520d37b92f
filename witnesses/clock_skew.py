"""How far the clock of a host is ahead of ours, by the `Date` header of a response."""

from email.utils import parsedate_to_datetime

import httpx

from scenarios.http.fetch import Fetched

_TICK_S = 1.0  # the Date header has whole seconds


def clock_skew_s(response: httpx.Response | Fetched, midway_at: float) -> float | None:
    """Return the skew, or None where no date is given; `midway_at` is ours, in epoch seconds.

    It is exact to half a second.
    """
    try:
        date = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (LookupError, ValueError, TypeError, OverflowError):
        return None
    # The header is rounded down: on average it is half a second early.
    return date + _TICK_S / 2 - midway_at
