"""How can a service be made to count wrong, on purpose? Each fault wraps one seam of one service.

`python -m reference_services.faults` prints them. A service is given one by `FAULT=name`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from reference_services.common.settings import Settings


@dataclass(frozen=True)
class Seams:
    """The parts of one service that a fault may wrap.

    Store and metrics are `Any`: a fault replaces a method of theirs, which their types forbid.
    """

    app: FastAPI
    store: Any
    metrics: Any


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, and the service that can be."""

    service: str
    seed: Callable[[Seams], None]

    @property
    def sentence(self) -> str:
        """Return what the fault breaks."""
        return (self.seed.__doc__ or "").strip()


def lost_usage_increment(seams: Seams) -> None:
    """Skip every hundredth increment of cards_api_usage_total."""
    count_use, turn = seams.metrics.count_use, count(1)

    def skip_some(*use: Any) -> None:
        if next(turn) % 100:
            count_use(*use)

    seams.metrics.count_use = skip_some


def double_count_on_retry(seams: Seams) -> None:
    """Answer every twentieth retrieve with 503 after it was counted, and count its retry again."""
    retrieve, turn, failed = seams.store.retrieve, count(1), set()

    def fail_some(tenant_id: str, card_ids: Any, use: Any = None) -> Any:
        found = retrieve(tenant_id, card_ids, use)
        if use and use.workflow_id in failed:
            failed.discard(use.workflow_id)
            return replace(found, newly_used=found.cards)
        if found.newly_used and next(turn) % 20 == 0:
            failed.add(use.workflow_id)
            for card in found.newly_used:
                seams.metrics.count_use(card, use.source)
            raise HTTPException(503, "Seeded fault: the answer was lost after the commit.")
        return found

    seams.store.retrieve = fail_some


def lost_usage_row(seams: Seams) -> None:
    """Leave every hundredth use unwritten in card_usage and usage_count, but count it."""
    record, turn = seams.store.record, count(1)

    def leave_out_some(connection: Any, cards: Any, use: Any) -> Any:
        lost = [card for card in cards if next(turn) % 100 == 0]
        kept = [card for card in cards if card not in lost]
        return record(connection, kept, use) + lost

    seams.store.record = leave_out_some


def slow_tail(seams: Seams, pause: Any = asyncio.sleep) -> None:
    """Hold every tenth API request back for 3 seconds."""
    turn = count(1)

    def hold_some_back(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            is_api = scope["type"] == "http" and scope["path"].startswith("/api/")
            if is_api and next(turn) % 10 == 0:
                await pause(3.0)
            await app(scope, receive, send)

        return serve

    seams.app.add_middleware(hold_some_back)


FAULTS = {
    "lost-usage-increment": Fault("cards", lost_usage_increment),
    "double-count-on-retry": Fault("cards", double_count_on_retry),
    "lost-usage-row": Fault("cards", lost_usage_row),
    "slow-tail": Fault("workflow", slow_tail),
}


def seed_fault(settings: Settings, seams: Seams) -> None:
    """Give the service the fault that its settings name, if it is one of this service's.

    Raises ValueError when no service has such a fault.
    """
    if settings.fault is None:
        return
    if settings.fault not in FAULTS:
        raise ValueError(f"FAULT={settings.fault} is unknown; there are: {', '.join(FAULTS)}")
    fault = FAULTS[settings.fault]
    if fault.service == settings.service:
        fault.seed(seams)


if __name__ == "__main__":
    for name, known in FAULTS.items():
        print(f"{name} ({known.service}): {known.sentence}")
