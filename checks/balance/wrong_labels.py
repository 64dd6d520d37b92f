"""Find what a counter lacks under one label set under another: a wrong label, not a lost count."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.result import Code, Misplaced, UsageRow
from checks.verdict import Verdict
from witnesses.figure import Figure, Labels

# By label values, then by a label and the value that it has instead of the selected one.
Beside = Mapping[Labels, Mapping[tuple[str, str], float]]

# A mix-up moves counts to a few other values; more than that are made up use by use.
_MANY = 5


def find_misplaced(rows: Sequence[UsageRow], beside: Beside, counter: str) -> list[UsageRow]:
    """Return the rows of one quantity, those explained whose lack was counted elsewhere.

    That is either under values of its own labels that nothing should move, or in series that one
    label keeps out of the selection (`beside`). The amounts must be the same. `counter` is the
    witness whose figures are compared.
    """
    lacking = {row.label_values: lack for row in rows if (lack := _lack(row, counter))}
    # Strays are counted under labels that the client never moved.
    strays = {
        row.label_values: extra
        for row in rows
        if not row.client.most and (extra := _counted(row, counter))
    }
    if lacking and sum(lacking.values()) == sum(strays.values()):
        return [_moved(row, lacking, strays) for row in rows]
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
    row: UsageRow, lacking: Mapping[Labels, float], strays: Mapping[Labels, float]
) -> UsageRow:
    code = Code.UNBOUNDED_LABEL if len(strays) > _MANY else Code.WRONG_LABEL
    amount = sum(strays.values())
    if row.label_values in lacking:
        return replace(row, code=code, misplaced=Misplaced(amount, found_under=tuple(strays)))
    if row.label_values in strays:
        return replace(row, code=code, misplaced=Misplaced(amount, missing_under=tuple(lacking)))
    return row


def _lack(row: UsageRow, counter: str) -> float:
    """Return by how much an exact counter stands below what the client confirmed."""
    counted = _counted(row, counter)
    return 0.0 if counted is None else max(0.0, row.client.confirmed - counted)


def _counted(row: UsageRow, counter: str) -> float | None:
    figure: Figure | None = row.figures.get(counter)
    if row.verdict is not Verdict.FAIL or figure is None or not figure.is_exact:
        return None
    return figure.value
