"""Does one process answer for a replica? Several looks at its metrics, each over a connection anew.

Behind a balancer, or with several workers that each count for themselves, counters go up and down
from look to look, and the start time changes: no figure of theirs means anything.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SEVERAL = "several processes answer for it"
_MOST_LOOKS = 20
_FEWEST_LOOKS = 3
_MOST_BYTES = 4_000_000
_COUNTER = re.compile(rb"^(\w+(?:_total|_count|_bucket)(?:\{.*\})?) ([^ \n]+)", re.MULTILINE)
_START = re.compile(rb"^process_start_time_seconds(?:\{.*\})? ([^ \n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Looks:
    """What so many looks in a row showed: the start times told, and a counter that went down."""

    number: int
    births: tuple[float, ...]
    fell: str = ""

    @property
    def doubt(self) -> str:
        """Why the counters are not one process' or "" if nothing speaks against it."""
        if len(set(self.births)) > 1:
            return f"{_SEVERAL}, each with counts of its own"
        told = f"{_SEVERAL}: {self.fell} went down from one look to the next"
        return told if self.fell else ""


def look_again(first: bytes, ask: Callable[[], bytes | None]) -> Looks:
    """Look so often that two processes show, less often at a large page; None ends it."""
    pages = [first]
    for _ in range(_looks_at(len(first)) - 1):
        page = ask()
        if page is None:
            break
        pages.append(page)
        looks = Looks(len(pages), tuple(_births(pages)), next(_falls(pages[-2:]), ""))
        if looks.doubt:
            return looks
    return Looks(len(pages), tuple(_births(pages)))


def _looks_at(size_bytes: int) -> int:
    return max(_FEWEST_LOOKS, min(_MOST_LOOKS, _MOST_BYTES // max(1, size_bytes)))


def _births(pages: Sequence[bytes]) -> Iterator[float]:
    for page in pages:
        told = _START.search(page)
        if told:
            yield _number(told[1])


def _falls(pages: Sequence[bytes]) -> Iterator[str]:
    """Yield each counter that is lower than in the page before, or is gone."""
    for before, after in pairwise(map(_counters, pages)):
        for name, value in before.items():
            if after.get(name, 0.0) < value:
                yield name


def _counters(page: bytes) -> dict[str, float]:
    return {name.decode(): _number(value) for name, value in _COUNTER.findall(page)}


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
