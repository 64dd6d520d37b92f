"""Find what a counter lacks under one label set under another: a wrong label, not a lost count.

client     tea 60   coffee 60   cake 60   teas 0
service    tea 57   coffee 62   cake 60   teas 1     three of tea: two as coffee, one as teas
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.result import Code, Misplaced, UsageRow
from checks.verdict import Verdict
from witnesses.figure import Amount, Figure, Labels

# By label values, then by a label and the value that it has instead of the selected one.
Beside = Mapping[Labels, Mapping[tuple[str, str], Amount]]

# A mix-up moves counts to a few other values; more than that are made up use by use.
_MANY = 5


def find_misplaced(rows: Sequence[UsageRow], beside: Beside, counter: str) -> list[UsageRow]:
    """Return the rows of one quantity, those explained whose lack was counted elsewhere.

    That is either under other values of its own labels, or in series that one label keeps out of
    the selection (`beside`). The amounts must be the same. `counter` is the witness whose figures
    are compared.
    """
    lacking = {row.label_values: lack for row in rows if (lack := _lack(row, counter))}
    surplus = {row.label_values: more for row in rows if (more := _surplus(row, counter))}
    if lacking and sum(lacking.values()) == sum(surplus.values()):
        unknown = [row for row in rows if row.label_values in surplus and not row.client.most]
        code = Code.UNBOUNDED_LABEL if len(unknown) > _MANY else Code.WRONG_LABEL
        return [_moved(row, code, lacking, surplus) for row in rows]
    # No other row explains it: look for the same amount under a label that no row is split by.
    moved = []
    for row in rows:
        lack, places = _lack(row, counter), beside.get(row.label_values, {})
        instead = next((place for place, amount in places.items() if amount == lack), None)
        if lack and instead is not None:
            misplaced = Misplaced(lack, instead=instead)
            moved.append(replace(row, code=Code.WRONG_LABEL, misplaced=misplaced))
        else:
            moved.append(row)
    return moved


def _moved(
    row: UsageRow, code: Code, lacking: Mapping[Labels, Amount], surplus: Mapping[Labels, Amount]
) -> UsageRow:
    labels = row.label_values
    if labels in lacking:
        misplaced = Misplaced(lacking[labels], found_under=tuple(surplus.items()))
    elif labels in surplus:
        misplaced = Misplaced(surplus[labels], missing_under=tuple(lacking.items()))
    else:
        return row
    return replace(row, code=code, misplaced=misplaced)


def _lack(row: UsageRow, counter: str) -> Amount:
    """Return by how much an exact counter stands below what the client confirmed."""
    counted = _counted(row, counter)
    return 0 if counted is None else max(0, row.client.confirmed - counted)


def _surplus(row: UsageRow, counter: str) -> Amount:
    """Return by how much an exact counter stands above what the client can have moved."""
    counted = _counted(row, counter)
    return 0 if counted is None else max(0, counted - row.client.most)


def _counted(row: UsageRow, counter: str) -> Amount | None:
    figure: Figure | None = row.figures.get(counter)
    if row.verdict is not Verdict.FAIL or figure is None or not figure.is_exact:
        return None
    return figure.value
