"""Name the witnesses that the pass of a run's quantities rests on."""

from checks.result import Result
from checks.wording import listed
from reports import formatting as write
from reports.views.balance import kinds_of

_MOST_NAME = 40


def basis_words(result: Result) -> str:
    """Return the witnesses by kind, once for all quantities that have the same; "" without any.

    As in `client and service (uses and 2 more); client and database (visits)`.
    """
    quantities: dict[tuple[str, ...], list[str]] = {}
    for quantity, witnesses in result.rests_on.items():
        quantities.setdefault(kinds_of(witnesses), []).append(quantity)
    if len(quantities) <= 1:
        return "".join(map(listed, quantities))
    return "; ".join(f"{listed(kinds)} ({_named(names)})" for kinds, names in quantities.items())


def _named(quantities: list[str]) -> str:
    more = f" and {len(quantities) - 1:,} more" if len(quantities) > 1 else ""
    return f"{write.one_line(quantities[0], _MOST_NAME)}{more}"
