"""Faults of counters: increments lost, doubled, early, late or under wrong labels."""

from collections.abc import Callable
from dataclasses import replace
from threading import Timer
from typing import Any

from starlette.exceptions import HTTPException

from reference_services.faults.seams import FOREIGN_TENANT, Seams, every


def lost_usage_increment(seams: Seams) -> None:
    """Skip every hundredth increment of cards_api_usage_total."""
    count_use, is_selected = seams.metrics.count_use, every(100)

    def skip_some(*use: Any) -> None:
        if not is_selected():
            count_use(*use)

    seams.metrics.count_use = skip_some


def double_count_on_retry(seams: Seams) -> None:
    """Answer every twentieth retrieve with 503 after counting it, and count its retry again."""
    retrieve, is_selected, failed = seams.store.retrieve, every(20), set()

    def fail_some(tenant_id: str, card_ids: Any, use: Any = None) -> Any:
        found = retrieve(tenant_id, card_ids, use)
        if use and use.workflow_id in failed:
            failed.discard(use.workflow_id)
            return replace(found, newly_used=found.cards)
        if found.newly_used and is_selected():
            failed.add(use.workflow_id)
            for card in found.newly_used:
                seams.metrics.count_use(card, use.source)
            raise HTTPException(503, "Seeded fault: response lost after the commit.")
        return found

    seams.store.retrieve = fail_some


def counted_before_commit(seams: Seams) -> None:
    """Count the uses of every twentieth request that uses cards, then roll back and answer 503."""
    record, is_selected = seams.store.record, every(20)

    def fail_some(connection: Any, cards: Any, use: Any) -> Any:
        newly_used = record(connection, cards, use)
        if newly_used and is_selected():
            for card in newly_used:
                seams.metrics.count_use(card, use.source)
            raise HTTPException(503, "Seeded fault: transaction rolled back.")
        return newly_used

    seams.store.record = fail_some


def call_after(pause_s: float, call: Callable[..., None], *arguments: Any) -> None:
    """Call after a pause, in a daemon thread: the process may end before."""
    timer = Timer(pause_s, call, arguments)
    timer.daemon = True
    timer.start()


def counted_late(seams: Seams, later: Callable[..., None] = call_after) -> None:
    """Count every use 5 seconds after it was recorded."""
    count_use = seams.metrics.count_use
    seams.metrics.count_use = lambda *use: later(5.0, count_use, *use)


def wrong_label_value(seams: Seams) -> None:
    """Count every use of an insight card under card_type="insights"."""
    _count_insights_as(seams, lambda _card: "insights")


def wrong_tenant(seams: Seams) -> None:
    """Count every fiftieth use for the tenant 00000000-0000-4000-8000-000000000000."""
    count_use, is_selected = seams.metrics.count_use, every(50)

    def misplace_some(card: Any, source: str) -> None:
        count_use(
            card.model_copy(update={"tenant_id": FOREIGN_TENANT}) if is_selected() else card, source
        )

    seams.metrics.count_use = misplace_some


def unbounded_label(seams: Seams) -> None:
    """Count every use of an insight card under card_type="insight-" and the card's id."""
    _count_insights_as(seams, lambda card: f"insight-{card.card_id}")


def _count_insights_as(seams: Seams, card_type_of: Callable[[Any], str]) -> None:
    count_use = seams.metrics.count_use

    def rename_insights(card: Any, source: str) -> None:
        if card.card_type == "insight":
            card = card.model_copy(update={"card_type": card_type_of(card)})
        count_use(card, source)

    seams.metrics.count_use = rename_insights
