"""How can a counter be wrong?"""

from dataclasses import replace
from typing import Any

from starlette.exceptions import HTTPException

from reference_services.faults.seams import Seams, every


def lost_usage_increment(seams: Seams) -> None:
    """Skip every hundredth increment of cards_api_usage_total."""
    count_use, is_turn = seams.metrics.count_use, every(100)

    def skip_some(*use: Any) -> None:
        if not is_turn():
            count_use(*use)

    seams.metrics.count_use = skip_some


def double_count_on_retry(seams: Seams) -> None:
    """Answer every twentieth retrieve with 503 after it was counted, and count its retry again."""
    retrieve, is_turn, failed = seams.store.retrieve, every(20), set()

    def fail_some(tenant_id: str, card_ids: Any, use: Any = None) -> Any:
        found = retrieve(tenant_id, card_ids, use)
        if use and use.workflow_id in failed:
            failed.discard(use.workflow_id)
            return replace(found, newly_used=found.cards)
        if found.newly_used and is_turn():
            failed.add(use.workflow_id)
            for card in found.newly_used:
                seams.metrics.count_use(card, use.source)
            raise HTTPException(503, "Seeded fault: the answer was lost after the commit.")
        return found

    seams.store.retrieve = fail_some
