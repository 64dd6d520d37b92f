"""Compare, request by request, what each promised of one count with the rows found for it."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from checks.result import RecordGap
from scenarios.evidence.exchange import Exchange, trace_id

MAX_IDS = 20

SentAt = Callable[[str, int], datetime | None]  # of a generator's request, by its number


class RequestLedger:
    """What each request promised of one count, and the rows found for it, by sequence number.

    It keeps two numbers per request, since there may be millions.
    """

    def __init__(self, is_rejected: Mapping[str, bytes] = {}) -> None:
        """Compare nothing yet. `is_rejected` has a byte per request of each generator."""
        self._promised: dict[str, array[int]] = {}
        self._allowed: dict[str, array[int]] = {}
        self._found: dict[str, array[int]] = {}
        self._hung_up: set[tuple[str, int]] = set()
        self._is_rejected: Mapping[str, bytes] = is_rejected
        self._of_rejected: Counter[tuple[str, int]] = Counter()

    def promise(self, exchange: Exchange, amount: int) -> None:
        """Add what a request promised."""
        promised = self._promised.setdefault(exchange.generator, array("q"))
        _add(promised, exchange.sequence, amount)

    def allow(self, exchange: Exchange, amount: int) -> None:
        """Add how much more than it promised a request may have."""
        allowed = self._allowed.setdefault(exchange.generator, array("q"))
        _add(allowed, exchange.sequence, amount)

    def note_hang_up(self, exchange: Exchange) -> None:
        """Note that the client hung up in a request."""
        self._hung_up.add((exchange.generator, exchange.sequence))

    def find(self, generator: str, number: int, count: int) -> None:
        """Add rows found for a request; all promises must have been added before."""
        promised = self._promised.get(generator, ())
        is_rejected = self._is_rejected.get(generator, b"")
        if number < len(promised):
            _add(self._found.setdefault(generator, array("q")), number, count)
        if number < len(is_rejected) and is_rejected[number]:
            self._of_rejected[generator, number] += count

    def gap(self, run_id: str, strays: int, sent_at: SentAt = lambda *_: None) -> RecordGap:
        """Return the requests that have too few rows, or too many.

        None has too few where the rows that belong to no request (`strays`) make up for all that
        is missing. `sent_at` returns when a request was sent, if that is known.
        """
        lacking = sum(max(0, promised - found) for _, _, promised, found in self._pairs())
        missing = self._named(run_id, lambda promised, found: found < promised)
        surplus = self._named(run_id, lambda promised, found: found > promised)
        after_hang_up = sum(
            found > promised and (generator, sequence) in self._hung_up
            for generator, sequence, promised, found in self._pairs()
        )
        rejected = self._named_rejected(run_id)
        if lacking > strays:
            first_at = self._first_missing_at(sent_at)
            return RecordGap(*missing, *surplus, after_hang_up, *rejected,
                             first_missing_at=first_at)  # fmt: skip
        return RecordGap(0, (), *surplus, after_hang_up, *rejected, made_up_for=missing[0])

    def _first_missing_at(self, sent_at: SentAt) -> datetime | None:
        """Return when the first request was sent that has too few rows, of all generators."""
        first: dict[str, int] = {}
        for generator, sequence, promised, found in self._pairs():
            if found < promised:
                first.setdefault(generator, sequence)
        return min(filter(None, (sent_at(*each) for each in first.items())), default=None)

    def _named_rejected(self, run_id: str) -> tuple[int, tuple[str, ...]]:
        """Return the rejected requests that promised nothing and have more rows than allowed."""
        counted = sorted(
            (generator, sequence)
            for (generator, sequence), found in self._of_rejected.items()
            if not _at(self._promised, generator, sequence)
            and found > _at(self._allowed, generator, sequence)
        )
        return len(counted), tuple(trace_id(run_id, *request) for request in counted[:MAX_IDS])

    def _named(
        self, run_id: str, is_wrong: Callable[[int, int], bool]
    ) -> tuple[int, tuple[str, ...]]:
        wrong = (
            trace_id(run_id, generator, sequence)
            for generator, sequence, promised, found in self._pairs()
            if is_wrong(promised, found)
        )
        first = tuple(islice(wrong, MAX_IDS))
        return len(first) + sum(1 for _ in wrong), first

    def _pairs(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield generator, sequence, promise and rows of each request that promised anything.

        Rows that it was allowed beyond its promise are left out.
        """
        for generator, amounts in self._promised.items():
            found = self._found.get(generator, array("q"))
            allowed = self._allowed.get(generator, array("q"))
            for numbers in (found, allowed):  # at least as long as the promises
                _add(numbers, len(amounts) - 1, 0)
            rows = zip(amounts, found, allowed, strict=False)
            for sequence, (promised, of_it, further) in enumerate(rows):
                if promised:
                    beyond = max(0, of_it - promised - further)
                    yield generator, sequence, promised, min(of_it, promised) + beyond


def _at(numbers: Mapping[str, "array[int]"], generator: str, sequence: int) -> int:
    of_generator = numbers.get(generator, ())
    return of_generator[sequence] if sequence < len(of_generator) else 0


def _add(numbers: "array[int]", position: int, amount: int) -> None:
    if position >= len(numbers):
        numbers.frombytes(bytes(numbers.itemsize * (position + 1 - len(numbers))))
    numbers[position] += amount
