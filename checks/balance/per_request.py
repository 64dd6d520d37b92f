"""Which requests have too few rows, and which too many? A sheet by request, for one count."""

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from scenarios.evidence.exchange import Exchange, trace_id

MOST_IDS = 20

_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Astray:
    """The requests whose rows are fewer or more than the answer promised: some, and how many."""

    missing: tuple[str, ...] = ()
    missing_number: int = 0
    surplus: tuple[str, ...] = ()
    surplus_number: int = 0


class Sheet:
    """What each request promised of one count, and what of it was found: by sequence number.

    It keeps two numbers a request, since there may be millions.
    """

    def __init__(self) -> None:
        self._promised: dict[str, array[int]] = {}
        self._found: dict[str, array[int]] = {}

    def promise(self, exchange: Exchange, amount: int) -> None:
        """Enter what a request promised."""
        promised = self._promised.setdefault(exchange.generator, array("q"))
        _add(promised, exchange.sequence, amount)

    def find(self, generator: str, sequence: str, count: int) -> None:
        """Enter rows of a request; all that is promised must have been entered before."""
        promised = self._promised.get(generator, ())
        if _NUMBER.fullmatch(sequence) and int(sequence) < len(promised):
            _add(self._found.setdefault(generator, array("q")), int(sequence), count)

    def astray(self, run_id: str, strays: int) -> Astray:
        """Name some requests that have too few rows, or too many.

        Nobody has too few where the rows that belong to no request make up for all that lacks.
        """
        lacking = sum(max(0, promised - found) for _, _, promised, found in self._pairs())
        missing = self._named(run_id, lambda promised, found: found < promised)
        surplus = self._named(run_id, lambda promised, found: found > promised)
        return Astray(*(missing if lacking > strays else ((), 0)), *surplus)

    def _named(
        self, run_id: str, is_wrong: Callable[[int, int], bool]
    ) -> tuple[tuple[str, ...], int]:
        wrong = (
            trace_id(run_id, generator, sequence)
            for generator, sequence, promised, found in self._pairs()
            if is_wrong(promised, found)
        )
        first = tuple(islice(wrong, MOST_IDS))
        return first, len(first) + sum(1 for _ in wrong)

    def _pairs(self) -> Iterator[tuple[str, int, int, int]]:
        """Yield generator, sequence, promised and found of each request that promised anything."""
        for generator, amounts in self._promised.items():
            found = self._found.get(generator, array("q"))
            _add(found, len(amounts) - 1, 0)
            for sequence, (promised, of_it) in enumerate(zip(amounts, found, strict=True)):
                if promised:
                    yield generator, sequence, promised, of_it


def _add(numbers: "array[int]", position: int, amount: int) -> None:
    if position >= len(numbers):
        numbers.frombytes(bytes(numbers.itemsize * (position + 1 - len(numbers))))
    numbers[position] += amount
