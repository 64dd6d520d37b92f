"""How can what is stored be wrong?"""

from typing import Any

from sqlalchemy import text

from reference_services.faults.seams import Seams, every

# Cut, since the column holds 64 characters.
_AGAIN = "-again"
_KEPT_LENGTH = 64 - len(_AGAIN)

_WRITE_AGAIN = text(
    "INSERT INTO card_usage"
    " (workflow_id, card_id, tenant_id, card_type, workflow_type, source, used_at, trace_id)"
    " SELECT :again, card_id, tenant_id, card_type, workflow_type, source, used_at, trace_id"
    " FROM card_usage WHERE workflow_id = :workflow_id AND card_id = :card_id"
    " ON CONFLICT DO NOTHING"
)
_TAKE_BACK = text(
    "UPDATE cards SET usage_count = usage_count - 1"
    " WHERE tenant_id = :tenant_id AND card_id = :card_id"
)


def lost_usage_row(seams: Seams) -> None:
    """Leave every hundredth use unwritten in card_usage and usage_count, but count it."""
    record, is_turn = seams.store.record, every(100)

    def leave_out_some(connection: Any, cards: Any, use: Any) -> Any:
        lost = [card for card in cards if is_turn()]
        kept = [card for card in cards if card not in lost]
        return record(connection, kept, use) + lost

    seams.store.record = leave_out_some


def duplicate_usage_row(seams: Seams) -> None:
    """Write a second row into card_usage for every fiftieth use, which is counted once."""
    record, is_turn = seams.store.record, every(50)

    def write_some_again(connection: Any, cards: Any, use: Any) -> Any:
        again = use.workflow_id[:_KEPT_LENGTH] + _AGAIN
        newly_used = record(connection, cards, use)
        for card in newly_used:
            if is_turn():
                row = {"workflow_id": use.workflow_id, "card_id": card.card_id, "again": again}
                connection.execute(_WRITE_AGAIN, row)
        return newly_used

    seams.store.record = write_some_again


def usage_row_without_count(seams: Seams) -> None:
    """Write and count every fiftieth use, but leave the card's usage_count as it was."""
    record, is_turn = seams.store.record, every(50)

    def take_some_back(connection: Any, cards: Any, use: Any) -> Any:
        return [
            _taken_back(connection, card) if is_turn() else card
            for card in record(connection, cards, use)
        ]

    seams.store.record = take_some_back


def answered_but_not_stored(seams: Seams) -> None:
    """Answer and count every twentieth execution, but do not write it to workflow_executions."""
    create, is_turn = seams.store.create, every(20)

    def skip_some(tenant_id: str, execution: Any, owed: Any = None) -> None:
        # One on cached cards is always written: with it goes what it owes to Cards.
        if owed or not is_turn():
            create(tenant_id, execution, owed)

    seams.store.create = skip_some


def _taken_back(connection: Any, card: Any) -> Any:
    connection.execute(_TAKE_BACK, {"tenant_id": card.tenant_id, "card_id": card.card_id})
    return card.model_copy(update={"usage_count": card.usage_count - 1})
