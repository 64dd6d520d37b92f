"""Is what a counter lacks under one label to be found under another?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.result import Code, UsageRow
from checks.verdict import Verdict
from checks.wording import listed
from witnesses.figure import Labels

Elsewhere = Mapping[Labels, Mapping[tuple[str, str], float]]

_FEW = 5


def find_elsewhere(rows: Sequence[UsageRow], elsewhere: Elsewhere) -> list[UsageRow]:
    """Return the rows of one quantity, those explained whose lack was counted under other labels.

    Either under values of its own labels that nothing should move, or, by `elsewhere`, in series
    that one label keeps out of the selection. The amounts must be the same.
    """
    lacking = {row.label_values: _lack(row) for row in rows if _lack(row)}
    strays = {row.label_values: _surplus(row) for row in rows if _surplus(row)}
    if lacking and sum(lacking.values()) == sum(strays.values()):
        return [_explained(row, lacking, strays) for row in rows]
    return [_counted_beside(row, elsewhere.get(row.label_values, {})) for row in rows]


def _explained(
    row: UsageRow, lacking: Mapping[Labels, float], strays: Mapping[Labels, float]
) -> UsageRow:
    labels = row.label_values
    code = Code.UNBOUNDED_LABEL if len(strays) > _FEW else Code.WRONG_LABEL
    if labels in lacking:
        return replace(row, code=code, detail=f"{row.detail} {_found(strays)}")
    if labels in strays:
        return replace(row, code=code, detail=f"Nothing should move it; {_missed(lacking)}.")
    return row


def _counted_beside(row: UsageRow, beside: Mapping[tuple[str, str], float]) -> UsageRow:
    lack = _lack(row)
    places = [f'{label}="{value}"' for (label, value), amount in beside.items() if amount == lack]
    if not lack or not places:
        return row
    detail = f"{row.detail} As many were counted under {places[0]}."
    return replace(row, code=Code.WRONG_LABEL, detail=detail)


def _found(strays: Mapping[Labels, float]) -> str:
    total, number = sum(strays.values()), len(strays)
    if number > _FEW:
        example = _said(next(iter(strays)))
        return (f"As many ({total:,.0f}) were counted under {number:,} values that no step moves, "
                f"such as {example}: a label that grows with every use.")  # fmt: skip
    return f"As many ({total:,.0f}) were counted under {listed(list(map(_said, strays)))}."


def _missed(lacking: Mapping[Labels, float]) -> str:
    return f"as many are missing under {listed(list(map(_said, lacking)))}"


def _said(labels: Labels) -> str:
    return ", ".join(labels)


def _lack(row: UsageRow) -> float:
    """Return by how much an exact counter stands below what the client confirmed."""
    counted = _counted(row)
    return max(0.0, row.client.confirmed - counted) if counted is not None else 0.0


def _surplus(row: UsageRow) -> float:
    """Return what was counted under labels that the client never moved."""
    moved = row.client.confirmed + row.client.in_doubt
    return 0.0 if moved else _counted(row) or 0.0


def _counted(row: UsageRow) -> float | None:
    if row.verdict is not Verdict.FAIL or "service" in row.remarks:
        return None
    return row.service
