"""Wait for a page that shows values of some time ago, as its own timestamps tell.

asked at   shown                      age
12:00:00   uses_total 7 @ 11:59:50    10 s: what was counted since is not in it
12:00:10   uses_total 9 @ 12:00:00    it has what was counted up to the first question
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from witnesses.service.exposition import STALE_S, parse_exposition

MAX_WAIT_S = 25.0

_POLL_S = 0.5
# A sample with a timestamp ends in two numbers, or has an exemplar behind them. A large page
# without any need not be parsed.
_MAY_BE_STAMPED = re.compile(r"[ \t]\S+[ \t]+[-+.\deE]+[ \t]*$| # ")


@dataclass(frozen=True, slots=True)
class Page:
    """One scrape, or why it brought none. `skew_s` is by how much its host's clock is ahead."""

    content: bytes
    error: str = ""
    skew_s: float = 0.0


def fetch_current(
    fetch: Callable[[], Page],
    metrics: frozenset[str],
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Page, float]:
    """Return a page, and when it was asked for: the page has to show all up to that moment.

    One whose `metrics` are somewhat older is fetched again until they have caught up. A page that
    is too old for that, or does not go on, is returned as it is.
    """
    asked_at = clock()
    page = fetch()
    if _age_s(page, metrics, asked_at) > MAX_WAIT_S:
        return page, asked_at
    while _age_s(page, metrics, asked_at) > STALE_S and clock() - asked_at < MAX_WAIT_S:
        sleep(_POLL_S)
        again = fetch()
        if again.error:
            break
        page = again
    return page, asked_at


def _age_s(page: Page, metrics: frozenset[str], asked_at: float) -> float:
    """Return by how much the newest timestamp of some metrics is before a moment; 0 without one."""
    if not metrics or page.error:
        return 0.0
    lines = page.content.decode(errors="replace").splitlines()
    of_metrics = [line for line in lines if any(each in line for each in metrics)]
    shown = parse_exposition("\n".join([*of_metrics, *lines[-1:], ""]).encode(), "")
    if not metrics & shown.values.keys():  # none of them has counted yet
        stamped = [line for line in lines if _MAY_BE_STAMPED.search(line)]
        shown = parse_exposition("\n".join([*stamped, *lines[-1:], ""]).encode(), "")
    newest = shown.newest_stamp
    return 0.0 if newest is None else asked_at + page.skew_s - newest
