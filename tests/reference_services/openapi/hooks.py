"""Schemathesis hooks for the rules of a valid request that OpenAPI cannot express.

Such rules span several parts of a request or depend on existing resources. Nothing else changes:
every check stays on, and a request that is invalid on purpose stays invalid.
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
    """Fix a request just before it is sent; Schemathesis judges what was sent."""
    name_the_tenant_of_the_header(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        name_a_card(case)
        name_cards_that_exist(case)
        use_a_key_for_one_body(case)
        if isinstance(case.body, dict):
            # In place: a body that is set counts as a change of the request.
            content = bounded(case.body)
            case.body.clear()
            case.body.update(content)


def bounded(value: Any) -> Any:
    """A content can be any JSON value, but without NUL and with integers of at most 64 bits."""
    if isinstance(value, dict):
        return {bounded(key): bounded(member) for key, member in value.items()}
    if isinstance(value, list):
        return [bounded(member) for member in value]
    if isinstance(value, str):
        return value.replace("\0", "")
    is_long = isinstance(value, int) and not -(2**63) <= value < 2**63
    return value % 2**63 if is_long else value


def name_the_tenant_of_the_header(case: Case) -> None:
    """A tenant in the body has to equal the header's, otherwise the response is 400."""
    for body in _bodies(case.body):
        if UUID.fullmatch(str(body.get("tenant_id"))):
            body["tenant_id"] = case.headers.get(TENANT_HEADER, body["tenant_id"])


def name_a_card(case: Case) -> None:
    """A retrieve by GET has to name cards in body or query, otherwise the response is 400."""
    is_empty = not isinstance(case.body, dict) and "card_ids" not in case.query
    if case.operation.label == "GET /api/v1/cards/retrieve" and is_empty:
        case.query["card_ids"] = ["a-card"]


def name_cards_that_exist(case: Case) -> None:
    """Some executions name an existing card, since all others end with 404."""
    card_ids = case.body.get("card_ids") if isinstance(case.body, dict) else None
    if case.operation.label == "POST /api/v1/workflows/execute" and isinstance(card_ids, list):
        existing = os.environ["CARD_IDS"].split(",")
        if len(card_ids) % 2:
            card_ids[0] = existing[len(str(card_ids[0])) % len(existing)]


def use_a_key_for_one_body(case: Case) -> None:
    """A key is used for one body only, since a reused one would hide everything behind 409."""
    key = case.headers.get(KEY_HEADER)
    if key:
        digest = sha256(f"{case.path_parameters} {case.body!r}".encode()).hexdigest()
        case.headers[KEY_HEADER] = f"{key[:KEY_CHARACTERS]}-{digest[:16]}"


def _bodies(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        yield body
        cards = body.get("cards")
        if isinstance(cards, list):  # an invalid request may hold anything here
            yield from (card for card in cards if isinstance(card, dict))
