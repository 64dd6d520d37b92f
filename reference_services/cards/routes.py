"""What can be asked of Cards?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from reference_services.cards.components import Cards
from reference_services.cards.metrics import PREFIX
from reference_services.cards.models import (
    BatchAnswer,
    BatchBody,
    Card,
    CardDraft,
    ListAnswer,
    ListQuery,
    RetrieveAnswer,
    RetrieveBody,
    UsageAnswer,
    UsageBody,
)
from reference_services.cards.store import (
    IdempotencyKey,
    KeyReused,
    Origin,
    Retrieval,
    Use,
)
from reference_services.common.api.errors import declared
from reference_services.common.api.openapi import answered, header, link
from reference_services.common.api.schemas import (
    Absent,
    CardIds,
    Identifier,
    Key,
    Label,
    answer,
)
from reference_services.common.api.tenants import Tenant, require_same_tenant
from reference_services.common.service import parts_of

router = APIRouter(prefix=PREFIX, tags=["cards"], responses=declared(400, 401, 413, 422, 429, 500))

_FIRST = "$response.body#/cards/0/card_id"
_THAT = "$response.body#/card_id"

BATCH_CREATED = answered(
    201,
    headers={
        "X-Idempotency-Cache": header("HIT: an earlier request made the cards.", enum=["HIT"])
    },
    links={
        "read": link("read_card", card_id=_FIRST),
        "use": link("record_usage", card_id=_FIRST),
        "retrieve": link("retrieve", {"card_ids": [_FIRST]}),
        "retrieveByPost": link("retrieve_by_post", {"card_ids": [_FIRST]}),
    },
)
CARD_CREATED = answered(
    201,
    links={
        "read": link("read_card", card_id=_THAT),
        "use": link("record_usage", card_id=_THAT),
        "retrieveByPost": link("retrieve_by_post", {"card_ids": [_THAT]}),
    },
)
USED = answered(200, links={"read": link("read_card", card_id=_THAT)})
RETRIEVED = answered(
    200,
    headers={"X-Partial-Result": header("Whether cards are missing.", "boolean", always=True)},
)

Parts = Annotated[Cards, Depends(parts_of)]
CardId = Annotated[Identifier, Path()]


async def use_of(
    source: Annotated[Label | Absent, Header(alias="X-Usage-Source")] = None,
    workflow_id: Annotated[Identifier | Absent, Header(alias="X-Workflow-ID")] = None,
    workflow_type: Annotated[Label | Absent, Header(alias="X-Workflow-Type")] = None,
) -> Use | None:
    """Return the use that a retrieve makes of its cards, if its headers declare one."""
    if not (source and workflow_id):
        return None
    return Use(workflow_id, workflow_type, source)


DeclaredUse = Annotated[Use | None, Depends(use_of)]


@router.post(
    "/batch", status_code=201, response_model=BatchAnswer, responses=BATCH_CREATED | declared(409)
)
def create_batch(
    body: BatchBody,
    tenant_id: Tenant,
    cards: Parts,
    idempotency_key: Annotated[Key | Absent, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """Create several cards, all or none; the same key again returns the same cards."""
    for each in (body, *body.cards):
        require_same_tenant(each, tenant_id)
    drafts = body.drafts()
    if not drafts:
        raise HTTPException(400, "The body has neither a company_snapshot nor cards.")
    key = IdempotencyKey(idempotency_key, body.fingerprint()) if idempotency_key else None
    try:
        batch = cards.store.create(
            tenant_id, drafts, Origin(body.source_session_id, body.created_by), key
        )
    except KeyReused as error:
        raise HTTPException(409, "The Idempotency-Key was used with another body.") from error
    if batch.is_replay:
        replayed = BatchAnswer(cards=batch.cards, created_count=0)
        return answer(replayed, 201, {"X-Idempotency-Cache": "HIT"})
    for card in batch.cards:
        cards.metrics.count_created(card)
    return answer(BatchAnswer(cards=batch.cards, created_count=len(batch.cards)), 201)


@router.get("/retrieve", response_model=RetrieveAnswer, responses=RETRIEVED)
def retrieve(
    tenant_id: Tenant,
    cards: Parts,
    use: DeclaredUse,
    body: RetrieveBody | None = None,
    card_ids: Annotated[CardIds | Absent, Query()] = None,
) -> Response:
    """Retrieve cards, their ids in the body or repeated in the query."""
    return _retrieve(cards, tenant_id, body or RetrieveBody(card_ids=card_ids or []), use)


@router.post("/retrieve", response_model=RetrieveAnswer, responses=RETRIEVED)
def retrieve_by_post(
    body: RetrieveBody, tenant_id: Tenant, cards: Parts, use: DeclaredUse
) -> Response:
    """Retrieve cards, for clients that cannot send a body with GET."""
    return _retrieve(cards, tenant_id, body, use)


@router.post("/{card_id}/usage", response_model=UsageAnswer, responses=USED | declared(404))
def record_usage(card_id: CardId, body: UsageBody, tenant_id: Tenant, cards: Parts) -> Response:
    """Record that a workflow used a card; the same pair again records nothing."""
    require_same_tenant(body, tenant_id)
    use = Use(body.workflow_id, body.workflow_type, body.source)
    found = cards.store.use(tenant_id, [card_id], use)
    _count_uses(cards, found, use)
    card = _only_card(found)
    return answer(
        UsageAnswer(
            card_id=card.card_id,
            usage_count=card.usage_count,
            last_used_at=card.last_used_at,
            event_recorded=bool(found.newly_used),
        )
    )


@router.post("", status_code=201, response_model=Card, responses=CARD_CREATED)
def create_card(body: CardDraft, tenant_id: Tenant, cards: Parts) -> Response:
    """Create one card."""
    require_same_tenant(body, tenant_id)
    card = cards.store.create(tenant_id, [body], Origin()).cards[0]
    cards.metrics.count_created(card)
    return answer(card, 201)


@router.get("", response_model=ListAnswer)
def list_cards(tenant_id: Tenant, cards: Parts, query: Annotated[ListQuery, Query()]) -> Response:
    """List the tenant's cards, newest first."""
    found = cards.store.list_page(tenant_id, query)
    return answer(
        ListAnswer(cards=found.cards, total=found.total, page=query.page, page_size=query.page_size)
    )


@router.get("/{card_id}", response_model=Card, responses=declared(404))
def read_card(card_id: CardId, tenant_id: Tenant, cards: Parts) -> Response:
    """Read one card."""
    return answer(_only_card(cards.store.retrieve(tenant_id, [card_id])))


def _retrieve(cards: Cards, tenant_id: str, body: RetrieveBody, use: Use | None) -> Response:
    require_same_tenant(body, tenant_id)
    if not body.card_ids:
        raise HTTPException(400, "No card_ids were given.")
    found = cards.store.retrieve(tenant_id, body.card_ids, use)
    if use:
        _count_uses(cards, found, use)
    is_partial = len(found.cards) < len(set(body.card_ids))
    return answer(
        RetrieveAnswer(cards=found.cards, total=len(found.cards), partial_result=is_partial),
        headers={"X-Partial-Result": str(is_partial).lower()},
    )


def _count_uses(cards: Cards, found: Retrieval, use: Use) -> None:
    for card in found.newly_used:
        cards.metrics.count_use(card, use.source)


def _only_card(found: Retrieval) -> Card:
    if not found.cards:
        raise HTTPException(404, "There is no such card.")
    return found.cards[0]
