"""Name the witnesses that the pass of each quantity rests on."""

from collections.abc import Iterable

from checks.result import UsageRow
from checks.verdict import Verdict

CLIENT = "client"


def rests_on(rows: Iterable[UsageRow]) -> dict[str, tuple[str, ...]]:
    """Return the witnesses of each quantity that passes: the client, and those that are exact.

    A witness that is not exact in one row, since its process was restarted, is none of them.
    """
    by_quantity: dict[str, list[UsageRow]] = {}
    for row in rows:
        by_quantity.setdefault(row.quantity, []).append(row)
    return {
        name: (CLIENT, *_exact_in_each(of_quantity))
        for name, of_quantity in by_quantity.items()
        if all(row.verdict is Verdict.PASS for row in of_quantity)
    }


def _exact_in_each(rows: list[UsageRow]) -> list[str]:
    return [name for name in rows[0].figures
            if all(name in row.figures and row.figures[name].is_exact for row in rows)]  # fmt: skip
