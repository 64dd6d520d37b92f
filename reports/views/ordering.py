"""The order of rows, and which a long table leaves out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from checks.verdict import Verdict
from reports.formatting import render_more, render_number_of

WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)


class HasVerdict(Protocol):
    """Anything with a verdict."""

    @property
    def verdict(self) -> Verdict:
        """Whether it held."""
        ...


JudgedT = TypeVar("JudgedT", bound=HasVerdict)
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Table(Generic[RowT]):
    """The rows that are shown, and one line about those that are not."""

    rows: list[RowT]
    more: str


def failing_first(rows: Sequence[JudgedT]) -> list[JudgedT]:
    """Order rows by verdict, failing ones first; rows alike keep their order."""
    return sorted(rows, key=lambda row: WORST_FIRST.index(row.verdict))


def cut_judged(rows: Sequence[JudgedT], most: int) -> Table[JudgedT]:
    """Keep the failing rows first, and say how many of each verdict are left out."""
    ordered = failing_first(rows)
    left_out = Counter(row.verdict for row in ordered[most:])
    more = ", ".join(render_more(left_out[verdict], "row", verdict)
                     for verdict in WORST_FIRST if left_out[verdict])  # fmt: skip
    return Table(ordered[:most], f"… {more}." if more else "")


def cut_rows(rows: Sequence[RowT], most: int) -> Table[RowT]:
    """Keep the first rows, and say how many are left out."""
    left_out = len(rows) - most
    more = f"… {render_number_of(left_out, 'more row')}." if left_out > 0 else ""
    return Table(list(rows[:most]), more)
