"""Where are the cards kept? Every query goes through a tenant's own rows."""

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
from reference_services.common.api.trace import TRACE_LENGTH, current_trace_id
from reference_services.common.database import Database, UtcDateTime, insert_if_new

# What the revisions in migrations/ lead to: a test holds the two against each other.
tables = MetaData()

cards_table = Table(
    "cards",
    tables,
    # The tenant first: without it in the key, SQLite reads all of a tenant's cards to find four.
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


# Statements are built once: building them anew would take longer than running them. All that
# read cards begin with _OF_TENANT: nothing can be found outside of a tenant.
_OF_TENANT = select(cards_table).where(cards_table.c.tenant_id == bindparam("tenant_id"))
_FIND = _OF_TENANT.where(cards_table.c.card_id.in_(bindparam("card_ids", expanding=True)))
# Locked in one order: two workflows that use the same cards must not wait for each other.
_FIND_AND_LOCK = _FIND.order_by(cards_table.c.card_id).with_for_update()
_COUNT_USE = (
    update(cards_table)
    .where(cards_table.c.tenant_id == bindparam("of_tenant"))
    .where(cards_table.c.card_id.in_(bindparam("card_ids", expanding=True)))
    .values(usage_count=cards_table.c.usage_count + 1, last_used_at=bindparam("moment"))
)
# Of all tenants at once, but numbers only.
_COUNT_ROWS = select(
    card_usage_table.c.card_type, card_usage_table.c.source, func.count()
).group_by(card_usage_table.c.card_type, card_usage_table.c.source)
_INSERT_CARDS = insert(cards_table)
_KEPT_KEY = select(idempotency_keys_table.c.fingerprint, idempotency_keys_table.c.card_ids).where(
    idempotency_keys_table.c.tenant_id == bindparam("tenant_id"),
    idempotency_keys_table.c.key == bindparam("key"),
)


class KeyReused(Exception):
    """The idempotency key was used before, for another body."""


@dataclass(frozen=True)
class Origin:
    """Where a batch comes from."""

    source_session_id: str | None = None
    created_by: str | None = None


@dataclass(frozen=True)
class IdempotencyKey:
    """The client's name for one request, and what the request asked for."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Batch:
    """The cards of a batch; `is_replay` when an earlier request made them."""

    cards: list[Card]
    is_replay: bool = False


@dataclass(frozen=True)
class Use:
    """What uses the cards."""

    workflow_id: str
    workflow_type: str | None
    source: str


@dataclass(frozen=True)
class Retrieval:
    """The cards found, in the order asked for, and those of them whose use is a new one."""

    cards: list[Card]
    newly_used: list[Card]


@dataclass(frozen=True)
class Page:
    """One page of a list; `total` counts all pages."""

    cards: list[Card]
    total: int


class CardsStore:
    """The cards, their uses and the idempotency keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        tenant_id: str,
        drafts: Sequence[CardDraft],
        origin: Origin,
        key: IdempotencyKey | None = None,
    ) -> Batch:
        """Store all the cards in one transaction, or find those that the key stands for.

        Raises KeyReused when the key stands for another body.
        """
        cards = [_new_card(tenant_id, draft, origin) for draft in drafts]
        with self._database.writing() as connection:
            if key and not _claim(connection, tenant_id, key, cards):
                return Batch(_replay(connection, tenant_id, key), is_replay=True)
            traced = {"trace_id": current_trace_id()}
            connection.execute(_INSERT_CARDS, [card.model_dump() | traced for card in cards])
        return Batch(cards)

    def retrieve(
        self, tenant_id: str, card_ids: Sequence[str], use: Use | None = None
    ) -> Retrieval:
        """Find the cards, and record their use if there is one."""
        if use:
            return self.use(tenant_id, card_ids, use)
        with self._database.reading() as connection:
            return Retrieval(_find(connection, _FIND, tenant_id, card_ids), newly_used=[])

    def use(self, tenant_id: str, card_ids: Sequence[str], use: Use) -> Retrieval:
        """Find the cards and record their use in one transaction."""
        with self._database.writing() as connection:
            found = _find(connection, _FIND_AND_LOCK, tenant_id, card_ids)
            newly_used = self.record(connection, found, use)
        now = {card.card_id: card for card in newly_used}
        return Retrieval([now.get(card.card_id, card) for card in found], newly_used)

    def record(self, connection: Connection, cards: Sequence[Card], use: Use) -> list[Card]:
        """Write one use of each card, once ever; return the cards whose use is a new one."""
        moment = datetime.now(UTC)
        new_ids = _insert_uses(connection, cards, use, moment) if cards else set()
        if new_ids:
            connection.execute(
                _COUNT_USE,
                {"of_tenant": cards[0].tenant_id, "card_ids": list(new_ids), "moment": moment},
            )
        return [card.used_at(moment) for card in cards if card.card_id in new_ids]

    def count_uses(self) -> dict[tuple[str, str], int]:
        """Count the uses of all tenants, by card type and source. Raises SQLAlchemyError."""
        with self._database.reading() as connection:
            found = connection.execute(_COUNT_ROWS)
            return {(card_type, source): number for card_type, source, number in found}

    def list_page(self, tenant_id: str, query: ListQuery) -> Page:
        """Return one page of the tenant's cards, newest first."""
        wanted = _OF_TENANT
        if query.card_type is not None:
            wanted = wanted.where(cards_table.c.card_type == query.card_type)
        if query.is_active is not None:
            wanted = wanted.where(cards_table.c.is_active == query.is_active)
        newest_first = wanted.order_by(cards_table.c.created_at.desc(), cards_table.c.card_id)
        page = newest_first.limit(query.page_size).offset((query.page - 1) * query.page_size)
        with self._database.reading() as connection:
            total = connection.scalar(
                select(func.count()).select_from(wanted.subquery()), {"tenant_id": tenant_id}
            )
            return Page(_cards(connection.execute(page, {"tenant_id": tenant_id})), total or 0)


def _cards(rows: CursorResult[Any]) -> list[Card]:
    return [Card.model_validate(row._asdict()) for row in rows]


def _find(
    connection: Connection, wanted: Select[Any], tenant_id: str, card_ids: Sequence[str]
) -> list[Card]:
    values = {"tenant_id": tenant_id, "card_ids": list(card_ids)}
    found = {card.card_id: card for card in _cards(connection.execute(wanted, values))}
    return [found[card_id] for card_id in dict.fromkeys(card_ids) if card_id in found]


def _insert_uses(
    connection: Connection, cards: Sequence[Card], use: Use, moment: datetime
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
    """Return the INSERT of one use a card, which copies from the cards what they know."""
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


def _claim(
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


def _replay(connection: Connection, tenant_id: str, key: IdempotencyKey) -> list[Card]:
    row = connection.execute(_KEPT_KEY, {"tenant_id": tenant_id, "key": key.key}).one()
    if row.fingerprint != key.fingerprint:
        raise KeyReused
    return _find(connection, _FIND, tenant_id, row.card_ids)


def _new_card(tenant_id: str, draft: CardDraft, origin: Origin) -> Card:
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
