"""HTTP routes of Cards."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.cards.components import CardsComponents
from reference_services.cards.metrics import PREFIX
from reference_services.cards.models import (
    BatchBody,
    BatchResponse,
    Card,
    CardDraft,
    ListQuery,
    ListResponse,
    RetrieveBody,
    RetrieveResponse,
    UsageBody,
    UsageResponse,
)
from reference_services.cards.store import (
    BatchOrigin,
    CardUse,
    IdempotencyKey,
    KeyReused,
    Retrieval,
)
from reference_services.common.api.errors import error_responses
from reference_services.common.api.json_body import JsonRoute
from reference_services.common.api.openapi import header, link, success_response
from reference_services.common.api.schemas import (
    Absent,
    CardIds,
    Identifier,
    Key,
    Label,
    json_response,
)
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.service import get_components

router = APIRouter(
    route_class=JsonRoute,
    prefix=PREFIX,
    tags=["cards"],
    responses=error_responses(400, 401, 408, 413, 422, 429, 500),
)

_FIRST_CARD_ID = "$response.body#/cards/0/card_id"
_CARD_ID = "$response.body#/card_id"

BATCH_CREATED = success_response(
    201,
    headers={
        "X-Idempotency-Cache": header("HIT: an earlier request created the cards.", enum=["HIT"])
    },
    links={
        "read": link("read_card", card_id=_FIRST_CARD_ID),
        "use": link("record_usage", card_id=_FIRST_CARD_ID),
        "retrieve": link("retrieve", {"card_ids": [_FIRST_CARD_ID]}),
        "retrieveByPost": link("retrieve_by_post", {"card_ids": [_FIRST_CARD_ID]}),
    },
)
CARD_CREATED = success_response(
    201,
    links={
        "read": link("read_card", card_id=_CARD_ID),
        "use": link("record_usage", card_id=_CARD_ID),
        "retrieveByPost": link("retrieve_by_post", {"card_ids": [_CARD_ID]}),
    },
)
USED = success_response(200, links={"read": link("read_card", card_id=_CARD_ID)})
RETRIEVED = success_response(
    200,
    headers={"X-Partial-Result": header("Whether cards are missing.", "boolean", always=True)},
)

Components = Annotated[CardsComponents, Depends(get_components)]
CardId = Annotated[Identifier, Path()]


async def use_of(
    source: Annotated[Label | Absent, Header(alias="X-Usage-Source")] = None,
    workflow_id: Annotated[Identifier | Absent, Header(alias="X-Workflow-ID")] = None,
    workflow_type: Annotated[Label | Absent, Header(alias="X-Workflow-Type")] = None,
) -> CardUse | None:
    """Return the use that the headers of a retrieve declare, or None."""
    if not (source and workflow_id):
        return None
    return CardUse(workflow_id, workflow_type, source)


DeclaredUse = Annotated[CardUse | None, Depends(use_of)]


@router.post(
    "/batch",
    status_code=201,
    response_model=BatchResponse,
    responses=BATCH_CREATED | error_responses(409),
)
def create_batch(
    body: BatchBody,
    tenant_id: Tenant,
    cards: Components,
    idempotency_key: Annotated[Key | Absent, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Create several cards atomically; a repeated Idempotency-Key returns the first cards."""
    for named in (body, *body.cards):
        require_same_tenant(named, tenant_id)
    drafts = body.drafts()
    if not drafts:
        raise HTTPException(400, "The body has neither a company_snapshot nor cards.")
    key = IdempotencyKey(idempotency_key, body.fingerprint()) if idempotency_key else None
    try:
        batch = cards.store.create(
            tenant_id, drafts, BatchOrigin(body.source_session_id, body.created_by), key
        )
    except KeyReused as error:
        raise HTTPException(409, "Idempotency-Key already used with another body.") from error
    if batch.is_replay:
        replayed = BatchResponse(cards=batch.cards, created_count=0)
        return json_response(replayed, 201, {"X-Idempotency-Cache": "HIT"})
    for card in batch.cards:
        cards.metrics.count_created(card)
    return json_response(BatchResponse(cards=batch.cards, created_count=len(batch.cards)), 201)


@router.get("/retrieve", response_model=RetrieveResponse, responses=RETRIEVED)
def retrieve(
    tenant_id: Tenant,
    cards: Components,
    use: DeclaredUse,
    body: RetrieveBody | None = None,
    card_ids: Annotated[CardIds | Absent, Query()] = None,
) -> Response:
    """Retrieve cards by the ids in the body or in the query."""
    return _retrieve(cards, tenant_id, body or RetrieveBody(card_ids=card_ids or []), use)


@router.post("/retrieve", response_model=RetrieveResponse, responses=RETRIEVED)
def retrieve_by_post(
    body: RetrieveBody, tenant_id: Tenant, cards: Components, use: DeclaredUse
) -> Response:
    """Retrieve cards; for clients that cannot send a body with GET."""
    return _retrieve(cards, tenant_id, body, use)


@router.post(
    "/{card_id}/usage", response_model=UsageResponse, responses=USED | error_responses(404)
)
def record_usage(
    card_id: CardId, body: UsageBody, tenant_id: Tenant, cards: Components
) -> Response:
    """Record that a workflow used a card; a repeated pair of both adds nothing."""
    require_same_tenant(body, tenant_id)
    use = CardUse(body.workflow_id, body.workflow_type, body.source)
    found = cards.store.use(tenant_id, [card_id], use)
    _count_uses(cards, found, use)
    card = _only_card(found)
    return json_response(
        UsageResponse(
            card_id=card.card_id,
            usage_count=card.usage_count,
            last_used_at=card.last_used_at,
            event_recorded=bool(found.newly_used),
        )
    )


@router.post("", status_code=201, response_model=Card, responses=CARD_CREATED)
def create_card(body: CardDraft, tenant_id: Tenant, cards: Components) -> Response:
    """Create one card."""
    require_same_tenant(body, tenant_id)
    card = cards.store.create(tenant_id, [body], BatchOrigin()).cards[0]
    cards.metrics.count_created(card)
    return json_response(card, 201)


@router.get("", response_model=ListResponse)
def list_cards(
    tenant_id: Tenant, cards: Components, query: Annotated[ListQuery, Query()]
) -> Response:
    """List the tenant's cards, newest first."""
    found = cards.store.list_page(tenant_id, query)
    return json_response(
        ListResponse(
            cards=found.cards, total=found.total, page=query.page, page_size=query.page_size
        )
    )


@router.get("/{card_id}", response_model=Card, responses=error_responses(404))
def read_card(card_id: CardId, tenant_id: Tenant, cards: Components) -> Response:
    """Read one card."""
    return json_response(_only_card(cards.store.retrieve(tenant_id, [card_id])))


def _retrieve(
    cards: CardsComponents, tenant_id: str, body: RetrieveBody, use: CardUse | None
) -> Response:
    require_same_tenant(body, tenant_id)
    if not body.card_ids:
        raise HTTPException(400, "card_ids is empty.")
    found = cards.store.retrieve(tenant_id, body.card_ids, use)
    if use:
        _count_uses(cards, found, use)
    is_partial = len(found.cards) < len(set(body.card_ids))
    return json_response(
        RetrieveResponse(cards=found.cards, total=len(found.cards), partial_result=is_partial),
        headers={"X-Partial-Result": str(is_partial).lower()},
    )


def _count_uses(cards: CardsComponents, found: Retrieval, use: CardUse) -> None:
    for card in found.newly_used:
        cards.metrics.count_use(card, use.source)


def _only_card(found: Retrieval) -> Card:
    if not found.cards:
        raise HTTPException(404, "No such card.")
    return found.cards[0]
