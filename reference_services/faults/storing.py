"""How can what is stored be wrong?"""

from typing import Any

from reference_services.faults.seams import Seams, every


def lost_usage_row(seams: Seams) -> None:
    """Leave every hundredth use unwritten in card_usage and usage_count, but count it."""
    record, is_turn = seams.store.record, every(100)

    def leave_out_some(connection: Any, cards: Any, use: Any) -> Any:
        lost = [card for card in cards if is_turn()]
        kept = [card for card in cards if card not in lost]
        return record(connection, kept, use) + lost

    seams.store.record = leave_out_some
