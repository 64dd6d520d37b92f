"""Faults of stored rows: missing, duplicated or inconsistent."""

from typing import Any

from sqlalchemy import text

from reference_services.faults.seams import Seams, every

# The workflow id is shortened for the suffix: the column holds 64 characters.
_SUFFIX = "-again"
_KEPT_LENGTH = 64 - len(_SUFFIX)

_INSERT_DUPLICATE = text(
    "INSERT INTO card_usage"
    " (workflow_id, card_id, tenant_id, card_type, workflow_type, source, used_at, trace_id)"
    " SELECT :again, card_id, tenant_id, card_type, workflow_type, source, used_at, trace_id"
    " FROM card_usage WHERE workflow_id = :workflow_id AND card_id = :card_id"
    " ON CONFLICT DO NOTHING"
)
_DECREASE_COUNT = text(
    "UPDATE cards SET usage_count = usage_count - 1"
    " WHERE tenant_id = :tenant_id AND card_id = :card_id"
)


def lost_usage_row(seams: Seams) -> None:
    """Skip every hundredth use in card_usage and usage_count, but count it."""
    record, is_selected = seams.store.record, every(100)

    def skip_some_uses(connection: Any, cards: Any, use: Any) -> Any:
        lost = [card for card in cards if is_selected()]
        kept = [card for card in cards if card not in lost]
        return record(connection, kept, use) + lost

    seams.store.record = skip_some_uses


def duplicate_usage_row(seams: Seams) -> None:
    """Write a second card_usage row for every fiftieth use, but count it once."""
    record, is_selected = seams.store.record, every(50)

    def duplicate_some(connection: Any, cards: Any, use: Any) -> Any:
        again = use.workflow_id[:_KEPT_LENGTH] + _SUFFIX
        newly_used = record(connection, cards, use)
        for card in newly_used:
            if is_selected():
                row = {"workflow_id": use.workflow_id, "card_id": card.card_id, "again": again}
                connection.execute(_INSERT_DUPLICATE, row)
        return newly_used

    seams.store.record = duplicate_some


def usage_row_without_count(seams: Seams) -> None:
    """Write and count every fiftieth use, but do not increase usage_count."""
    record, is_selected = seams.store.record, every(50)

    def decrease_some(connection: Any, cards: Any, use: Any) -> Any:
        return [
            _decrease_count(connection, card) if is_selected() else card
            for card in record(connection, cards, use)
        ]

    seams.store.record = decrease_some


def answered_but_not_stored(seams: Seams) -> None:
    """Answer and count every twentieth execution, but do not store it in workflow_executions."""
    create, is_selected = seams.store.create, every(20)

    def skip_some(tenant_id: str, execution: Any, owed: Any = None) -> None:
        # One on cached cards is always stored: the uses it owes are stored with it.
        if owed or not is_selected():
            create(tenant_id, execution, owed)

    seams.store.create = skip_some


def _decrease_count(connection: Any, card: Any) -> Any:
    connection.execute(_DECREASE_COUNT, {"tenant_id": card.tenant_id, "card_id": card.card_id})
    return card.model_copy(update={"usage_count": card.usage_count - 1})
