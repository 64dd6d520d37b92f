"""Show whether one process answers at a metrics address, by scraping it several times in a row.

Each scrape has a connection of its own. Behind a load balancer, or with several workers that count
separately, counters go up and down from scrape to scrape and the start time changes: no figure of
such an address means anything.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_MAX_SCRAPES = 20
_MIN_SCRAPES = 3
_MAX_BYTES = 4_000_000  # of all scrapes together
_COUNTER = re.compile(rb"^(\w+(?:_total|_count|_bucket)(?:\{.*\})?) ([^ \n]+)", re.MULTILINE)
_START_TIME = re.compile(rb"^process_start_time_seconds(?:\{.*\})? ([^ \n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RepeatedScrapes:
    """What `number` scrapes in a row showed: the start times, and a counter that fell (or "")."""

    number: int
    start_times: tuple[float, ...]
    fell: str = ""

    @property
    def shows_several_processes(self) -> bool:
        """Whether they cannot come from one process."""
        return bool(self.fell) or len(set(self.start_times)) > 1


def scrape_repeatedly(first: bytes, scrape: Callable[[], bytes | None]) -> RepeatedScrapes:
    """Scrape often enough for two processes to show, less often where an exposition is large.

    `scrape` returns None where it fails, which ends it.
    """
    expositions = [first]
    scrapes = max(_MIN_SCRAPES, min(_MAX_SCRAPES, _MAX_BYTES // max(1, len(first))))
    for _ in range(scrapes - 1):
        exposition = scrape()
        if exposition is None:
            break
        expositions.append(exposition)
        before, after = (
            {name.decode(): _number(value) for name, value in _COUNTER.findall(each)}
            for each in expositions[-2:]
        )
        # A counter that is gone has fallen, too: another process does not have it yet.
        fell = next((name for name in before if after.get(name, 0.0) < before[name]), "")
        scraped = RepeatedScrapes(len(expositions), tuple(_start_times(expositions)), fell)
        if scraped.shows_several_processes:
            return scraped
    return RepeatedScrapes(len(expositions), tuple(_start_times(expositions)))


def _start_times(expositions: Sequence[bytes]) -> Iterator[float]:
    for exposition in expositions:
        sample = _START_TIME.search(exposition)
        if sample:
            yield _number(sample[1])


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
