"""What does a valid request have to keep that OpenAPI has no words for? Schemathesis asks this.

Some rules span the parts of a request, or ask for what was made before. Nothing else is changed:
no check is switched off, and a request that was made to be wrong stays wrong.
"""

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import schemathesis

Case = schemathesis.Case[Any]

TENANT_HEADER = "X-Tenant-ID"
KEY_HEADER = "Idempotency-Key"
KEY_CHARACTERS = 200

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Mend a request just before it is sent; Schemathesis then judges what was sent."""
    name_the_tenant_of_the_header(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        name_a_card(case)
        name_cards_that_exist(case)
        use_a_key_for_one_body(case)


def name_the_tenant_of_the_header(case: Case) -> None:
    """A body may name a tenant, and then it has to be the header's: else 400."""
    for body in _bodies(case.body):
        if UUID.fullmatch(str(body.get("tenant_id"))):
            body["tenant_id"] = case.headers.get(TENANT_HEADER, body["tenant_id"])


def name_a_card(case: Case) -> None:
    """A retrieve by GET names cards in the body or in the query, but does name some: else 400."""
    is_empty = not isinstance(case.body, dict) and "card_ids" not in case.query
    if case.operation.label == "GET /api/v1/cards/retrieve" and is_empty:
        case.query["card_ids"] = ["a-card"]


def name_cards_that_exist(case: Case) -> None:
    """A workflow gets no further than 404 without a card that exists: some have one, or only it."""
    card_ids = case.body.get("card_ids") if isinstance(case.body, dict) else None
    if case.operation.label == "POST /api/v1/workflows/execute" and isinstance(card_ids, list):
        existing = os.environ["CARD_IDS"].split(",")
        if len(card_ids) % 2:
            card_ids[0] = existing[len(str(card_ids[0])) % len(existing)]


def use_a_key_for_one_body(case: Case) -> None:
    """A key that was used for another body is refused with 409, which would hide all the rest."""
    key = case.headers.get(KEY_HEADER)
    if key:
        digest = sha256(f"{case.path_parameters} {case.body!r}".encode()).hexdigest()
        case.headers[KEY_HEADER] = f"{key[:KEY_CHARACTERS]}-{digest[:16]}"


def _bodies(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        yield body
        cards = body.get("cards")
        if isinstance(cards, list):  # a request that was made to be wrong may have anything there
            yield from (card for card in cards if isinstance(card, dict))
