"""SQL store of Workflow: executions, and the uses owed to Cards.

Every query of a request is restricted to one tenant. The delivery of owed uses belongs to no
request and reads those of all tenants.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Index,
    MetaData,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from reference_services.common.api.json_values import UnreadableJson
from reference_services.common.api.trace import TRACE_LENGTH, current_trace_id
from reference_services.common.database import Database, UtcDateTime
from reference_services.workflow.models import CardFetch, Execution

# The schema after all revisions in migrations/; a test compares the two.
tables = MetaData()

executions_table = Table(
    "workflow_executions",
    tables,
    Column("workflow_id", String(36), primary_key=True),
    Column("tenant_id", String(36), nullable=False),
    Column("workflow_type", String(32), nullable=False),
    Column("status", String(32), nullable=False),
    Column("partial_result", Boolean, nullable=False),
    Column("record", JSON, nullable=False),
    Column("trace_id", String(TRACE_LENGTH)),
    Column("created_at", UtcDateTime, nullable=False),
    Index("executions_of_tenant", "tenant_id", "created_at"),
)

owed_uses_table = Table(
    "owed_uses",
    tables,
    Column("workflow_id", String(36), primary_key=True),
    Column("tenant_id", String(36), nullable=False),
    Column("workflow_type", String(32), nullable=False),
    Column("card_ids", JSON, nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
)

_NO_RECORD = {
    "output": {
        "title": "",
        "content": "",
        "metadata": {"template": "", "word_count": 0, "context": {}, "parameters": {}},
    },
    "cards_used": [],
    "metrics": {
        "execution_time_ms": 0.0,
        "cards_requested": 0,
        "cards_used": 0,
        "context_source": "cards",
    },
}


class ExecutionsStore:
    """Stores completed executions, and the fetches whose uses Cards has not recorded yet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tenant_id: str, execution: Execution, owed: CardFetch | None = None) -> None:
        """Store an execution and, in the same transaction, the fetch that it owes to Cards."""
        now = datetime.now(UTC)
        row = {
            "workflow_id": execution.workflow_id,
            "tenant_id": tenant_id,
            "workflow_type": execution.workflow_type,
            "status": execution.status,
            "partial_result": execution.partial_result,
            "record": execution.model_dump(mode="json", exclude={"record_error"}),
            "trace_id": current_trace_id(),
            "created_at": now,
        }
        with self._database.write_transaction() as connection:
            connection.execute(insert(executions_table), row)
            if owed:
                connection.execute(insert(owed_uses_table), {**asdict(owed), "queued_at": now})

    def read(self, tenant_id: str, workflow_id: str) -> Execution | None:
        """Return the execution of the tenant, or None.

        Of a record that cannot be read, as from an older version, only the columns are shown.
        """
        wanted = select(executions_table).where(
            executions_table.c.tenant_id == tenant_id,
            executions_table.c.workflow_id == workflow_id,
        )
        with self._database.read_transaction() as connection:
            row = connection.execute(wanted).one_or_none()
        return _execution(row._asdict()) if row else None

    def read_owed(self, limit: int) -> list[CardFetch]:
        """Return up to `limit` owed fetches, those queued longest first.

        One whose card ids cannot be read stays owed, and does not stop the others.
        """
        owed = owed_uses_table.c
        wanted = (
            select(owed.workflow_id, owed.workflow_type, owed.tenant_id, owed.card_ids)
            .order_by(owed.queued_at, owed.workflow_id)
            .limit(limit)
        )
        with self._database.read_transaction() as connection:
            rows = connection.execute(wanted).mappings()
            return [CardFetch(**row) for row in rows if isinstance(row["card_ids"], list)]

    def count_owed(self) -> int:
        """Count the owed fetches."""
        with self._database.read_transaction() as connection:
            return connection.scalar(select(func.count()).select_from(owed_uses_table)) or 0

    def mark_delivered(self, fetch: CardFetch) -> bool:
        """Remove an owed fetch; return False if an earlier call has done so."""
        with self._database.write_transaction() as connection:
            return connection.execute(delete(owed_uses_table).where(*_row_of(fetch))).rowcount == 1

    def postpone(self, fetch: CardFetch) -> None:
        """Move a fetch to the end of the queue, so that it does not block the others."""
        behind_all = update(owed_uses_table).where(*_row_of(fetch))
        with self._database.write_transaction() as connection:
            connection.execute(behind_all.values(queued_at=datetime.now(UTC)))


def _execution(row: dict[str, Any]) -> Execution:
    try:
        return Execution.model_validate(row["record"])
    except ValidationError:
        stored = row["record"]
        reason = stored.reason if isinstance(stored, UnreadableJson) else "not an execution"
    shown = {name: row[name] for name in ("workflow_id", "workflow_type", "partial_result")}
    return Execution.model_validate({**shown, **_NO_RECORD, "record_error": reason})


def _row_of(fetch: CardFetch) -> tuple[ColumnElement[bool], ...]:
    owed = owed_uses_table.c
    return owed.tenant_id == fetch.tenant_id, owed.workflow_id == fetch.workflow_id
