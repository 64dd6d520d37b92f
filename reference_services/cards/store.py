"""SQL store of Cards; every query on cards is restricted to one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from reference_services.cards.models import Card, CardDraft, ListQuery
from reference_services.common.api.json_values import UnreadableJson
from reference_services.common.api.trace import TRACE_LENGTH, current_trace_id
from reference_services.common.database import Database, UtcDateTime, insert_if_new

# The schema after all revisions in migrations/; a test compares the two.
tables = MetaData()

cards_table = Table(
    "cards",
    tables,
    # Tenant first: without it in the key, SQLite scans all cards of a tenant to find four.
    Column("tenant_id", String(36), primary_key=True),
    Column("card_id", String(36), primary_key=True),
    Column("card_type", String(32), nullable=False),
    Column("title", String(500), nullable=False),
    Column("content", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("usage_count", Integer, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("source_session_id", String(64)),
    Column("created_by", String(500)),
    Column("trace_id", String(TRACE_LENGTH)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("cards_of_tenant", "tenant_id", "created_at"),
)

card_usage_table = Table(
    "card_usage",
    tables,
    Column("usage_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("workflow_id", String(64), nullable=False),
    Column("card_id", String(36), nullable=False),
    Column("tenant_id", String(36), nullable=False),
    Column("card_type", String(32), nullable=False),
    Column("workflow_type", String(32)),
    Column("source", String(32), nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("trace_id", String(TRACE_LENGTH)),
    UniqueConstraint("workflow_id", "card_id"),
    Index("usage_of_tenant", "tenant_id"),
)

idempotency_keys_table = Table(
    "idempotency_keys",
    tables,
    Column("tenant_id", String(36), primary_key=True),
    Column("key", String(500), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("card_ids", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)


# Statements are built once: building one takes longer than running it. All that read cards extend
# _OF_TENANT, so that none can return another tenant's card.
_OF_TENANT = select(cards_table).where(cards_table.c.tenant_id == bindparam("tenant_id"))
_FIND = _OF_TENANT.where(cards_table.c.card_id.in_(bindparam("card_ids", expanding=True)))
# Locked in one order: two workflows that use the same cards must not deadlock.
_FIND_AND_LOCK = _FIND.order_by(cards_table.c.card_id).with_for_update()
_COUNT_USE = (
    update(cards_table)
    .where(cards_table.c.tenant_id == bindparam("of_tenant"))
    .where(cards_table.c.card_id.in_(bindparam("card_ids", expanding=True)))
    .values(usage_count=cards_table.c.usage_count + 1, last_used_at=bindparam("moment"))
)
# Covers all tenants, but returns numbers only.
_COUNT_ROWS = select(
    card_usage_table.c.card_type, card_usage_table.c.source, func.count()
).group_by(card_usage_table.c.card_type, card_usage_table.c.source)
_INSERT_CARDS = insert(cards_table)
_KEPT_KEY = select(idempotency_keys_table.c.fingerprint, idempotency_keys_table.c.card_ids).where(
    idempotency_keys_table.c.tenant_id == bindparam("tenant_id"),
    idempotency_keys_table.c.key == bindparam("key"),
)


class KeyReused(Exception):
    """The idempotency key was used before with another body."""


@dataclass(frozen=True)
class BatchOrigin:
    """Where a batch comes from: the onboarding session and its user."""

    source_session_id: str | None = None
    created_by: str | None = None


@dataclass(frozen=True)
class IdempotencyKey:
    """Key that the client chose for one request, and the fingerprint of that request's body."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class CreatedBatch:
    """The cards of a batch; `is_replay` if an earlier request created them."""

    cards: list[Card]
    is_replay: bool = False


@dataclass(frozen=True)
class CardUse:
    """The workflow that uses cards, and the source that reports it."""

    workflow_id: str
    workflow_type: str | None
    source: str


@dataclass(frozen=True)
class Retrieval:
    """The cards found, in the requested order, and those of them whose use was not yet recorded."""

    cards: list[Card]
    newly_used: list[Card]


@dataclass(frozen=True)
class CardPage:
    """One page of a card list; `total` is the number over all pages."""

    cards: list[Card]
    total: int


class CardsStore:
    """Stores cards, their uses and the idempotency keys of batches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        tenant_id: str,
        drafts: Sequence[CardDraft],
        origin: BatchOrigin,
        key: IdempotencyKey | None = None,
    ) -> CreatedBatch:
        """Store all cards in one transaction, or return those of an earlier request with this key.

        Raises KeyReused when the key belongs to another body.
        """
        cards = [_new_card(tenant_id, draft, origin) for draft in drafts]
        with self._database.write_transaction() as connection:
            if key and not _claim_key(connection, tenant_id, key, cards):
                return CreatedBatch(_read_replayed(connection, tenant_id, key), is_replay=True)
            traced = {"trace_id": current_trace_id()}
            rows = [card.model_dump(exclude={"content_error"}) | traced for card in cards]
            connection.execute(_INSERT_CARDS, rows)
        return CreatedBatch(cards)

    def retrieve(
        self, tenant_id: str, card_ids: Sequence[str], use: CardUse | None = None
    ) -> Retrieval:
        """Find the cards and record their use, if one is given."""
        if use:
            return self.use(tenant_id, card_ids, use)
        with self._database.read_transaction() as connection:
            return Retrieval(_find(connection, _FIND, tenant_id, card_ids), newly_used=[])

    def use(self, tenant_id: str, card_ids: Sequence[str], use: CardUse) -> Retrieval:
        """Find the cards and record their use in one transaction."""
        with self._database.write_transaction() as connection:
            found = _find(connection, _FIND_AND_LOCK, tenant_id, card_ids)
            newly_used = self.record(connection, found, use)
        updated = {card.card_id: card for card in newly_used}
        return Retrieval([updated.get(card.card_id, card) for card in found], newly_used)

    def record(self, connection: Connection, cards: Sequence[Card], use: CardUse) -> list[Card]:
        """Insert a use of each card unless it is recorded already; return the newly used cards."""
        moment = datetime.now(UTC)
        new_ids = _insert_uses(connection, cards, use, moment) if cards else set()
        if new_ids:
            connection.execute(
                _COUNT_USE,
                {"of_tenant": cards[0].tenant_id, "card_ids": list(new_ids), "moment": moment},
            )
        return [card.used_at(moment) for card in cards if card.card_id in new_ids]

    def count_uses(self) -> dict[tuple[str, str], int]:
        """Count the uses of all tenants by `(card_type, source)`. Raises SQLAlchemyError."""
        with self._database.read_transaction() as connection:
            found = connection.execute(_COUNT_ROWS)
            return {(card_type, source): number for card_type, source, number in found}

    def list_page(self, tenant_id: str, query: ListQuery) -> CardPage:
        """Return one page of the tenant's cards, newest first."""
        wanted = _OF_TENANT
        if query.card_type is not None:
            wanted = wanted.where(cards_table.c.card_type == query.card_type)
        if query.is_active is not None:
            wanted = wanted.where(cards_table.c.is_active == query.is_active)
        newest_first = wanted.order_by(cards_table.c.created_at.desc(), cards_table.c.card_id)
        page = newest_first.limit(query.page_size).offset((query.page - 1) * query.page_size)
        with self._database.read_transaction() as connection:
            total = connection.scalar(
                select(func.count()).select_from(wanted.subquery()), {"tenant_id": tenant_id}
            )
            return CardPage(_cards(connection.execute(page, {"tenant_id": tenant_id})), total or 0)


def _cards(rows: CursorResult[Any]) -> list[Card]:
    return [Card.model_validate(_shown(row._asdict())) for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Empty a content that cannot be rendered: its card still counts, and is listed and read."""
    content = row["content"]
    if isinstance(content, dict):
        return row
    reason = content.reason if isinstance(content, UnreadableJson) else "not an object"
    return {**row, "content": {}, "content_error": reason}


def _find(
    connection: Connection, wanted: Select[Any], tenant_id: str, card_ids: Sequence[str]
) -> list[Card]:
    values = {"tenant_id": tenant_id, "card_ids": list(card_ids)}
    found = {card.card_id: card for card in _cards(connection.execute(wanted, values))}
    return [found[card_id] for card_id in dict.fromkeys(card_ids) if card_id in found]


def _insert_uses(
    connection: Connection, cards: Sequence[Card], use: CardUse, moment: datetime
) -> set[str]:
    values = {
        "workflow_id": use.workflow_id,
        "workflow_type": use.workflow_type,
        "source": use.source,
        "used_at": moment,
        "trace_id": current_trace_id(),
        "of_tenant": cards[0].tenant_id,
        "card_ids": [card.card_id for card in cards],
    }
    return {row.card_id for row in connection.execute(_new_uses(connection.dialect.name), values)}


@cache
def _new_uses(dialect: str) -> Executable:
    """Build the INSERT of one use per card; it copies tenant and type from the cards table."""
    uses, cards = card_usage_table.c, cards_table.c
    values: dict[Column[Any], ColumnElement[Any]] = {
        uses.workflow_id: bindparam("workflow_id", type_=String),
        uses.card_id: cards.card_id,
        uses.tenant_id: cards.tenant_id,
        uses.card_type: cards.card_type,
        uses.workflow_type: bindparam("workflow_type", type_=String),
        uses.source: bindparam("source", type_=String),
        uses.used_at: bindparam("used_at", type_=UtcDateTime),
        uses.trace_id: bindparam("trace_id", type_=String),
    }
    used = select(*values.values()).where(
        cards.tenant_id == bindparam("of_tenant"),
        cards.card_id.in_(bindparam("card_ids", expanding=True)),
    )
    return insert_if_new(dialect, uses.card_id).from_select(list(values), used)


def _claim_key(
    connection: Connection, tenant_id: str, key: IdempotencyKey, cards: Sequence[Card]
) -> bool:
    row = {
        "tenant_id": tenant_id,
        "key": key.key,
        "fingerprint": key.fingerprint,
        "card_ids": [card.card_id for card in cards],
        "created_at": datetime.now(UTC),
    }
    claim = insert_if_new(connection.dialect.name, idempotency_keys_table.c.key)
    return connection.execute(claim, row).first() is not None


def _read_replayed(connection: Connection, tenant_id: str, key: IdempotencyKey) -> list[Card]:
    row = connection.execute(_KEPT_KEY, {"tenant_id": tenant_id, "key": key.key}).one()
    if row.fingerprint != key.fingerprint:
        raise KeyReused
    return _find(connection, _FIND, tenant_id, row.card_ids)


def _new_card(tenant_id: str, draft: CardDraft, origin: BatchOrigin) -> Card:
    now = datetime.now(UTC)
    return Card(
        card_id=str(uuid4()),
        tenant_id=tenant_id,
        card_type=draft.card_type,
        title=draft.title or f"{draft.card_type.title()} card",
        content=draft.content,
        tags=draft.tags,
        version=1,
        is_active=True,
        usage_count=0,
        last_used_at=None,
        source_session_id=origin.source_session_id,
        created_by=origin.created_by,
        created_at=now,
        updated_at=now,
    )
