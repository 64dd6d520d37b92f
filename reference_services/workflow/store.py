"""Where are the executions kept? Every query for a tenant goes through the tenant's own rows.

The uses that are owed to Cards belong to no request: the delivery reads those of all tenants.
"""

from dataclasses import asdict
from datetime import UTC, datetime

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

from reference_services.common.api.trace import TRACE_LENGTH, current_trace_id
from reference_services.common.database import Database, UtcDateTime
from reference_services.workflow.models import Execution, Fetch

# What the revisions in migrations/ lead to: a test holds the two against each other.
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


class ExecutionsStore:
    """The completed executions, and the uses that Cards has yet to record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tenant_id: str, execution: Execution, owed: Fetch | None = None) -> None:
        """Keep one execution, and with it the fetch that has yet to be made up for."""
        now = datetime.now(UTC)
        row = {
            "workflow_id": execution.workflow_id,
            "tenant_id": tenant_id,
            "workflow_type": execution.workflow_type,
            "status": execution.status,
            "partial_result": execution.partial_result,
            "record": execution.model_dump(mode="json"),
            "trace_id": current_trace_id(),
            "created_at": now,
        }
        with self._database.writing() as connection:
            connection.execute(insert(executions_table), row)
            if owed:
                connection.execute(insert(owed_uses_table), {**asdict(owed), "queued_at": now})

    def read(self, tenant_id: str, workflow_id: str) -> Execution | None:
        """Return the tenant's execution, if there is one."""
        wanted = select(executions_table.c.record).where(
            executions_table.c.tenant_id == tenant_id,
            executions_table.c.workflow_id == workflow_id,
        )
        with self._database.reading() as connection:
            record = connection.scalar(wanted)
        return Execution.model_validate(record) if record else None

    def read_owed(self, limit: int) -> list[Fetch]:
        """Return the first in the queue of fetches that have yet to be made up for."""
        owed = owed_uses_table.c
        wanted = (
            select(owed.workflow_id, owed.workflow_type, owed.tenant_id, owed.card_ids)
            .order_by(owed.queued_at, owed.workflow_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [Fetch(**row) for row in connection.execute(wanted).mappings()]

    def count_owed(self) -> int:
        """Count the fetches that have yet to be made up for."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(owed_uses_table)) or 0

    def settle(self, fetch: Fetch) -> bool:
        """Note that a fetch was made up for; return whether this call did, not an earlier one."""
        with self._database.writing() as connection:
            return connection.execute(delete(owed_uses_table).where(*_row_of(fetch))).rowcount == 1

    def postpone(self, fetch: Fetch) -> None:
        """Send a fetch to the end of the queue: others may fare better."""
        behind_all = update(owed_uses_table).where(*_row_of(fetch))
        with self._database.writing() as connection:
            connection.execute(behind_all.values(queued_at=datetime.now(UTC)))


def _row_of(fetch: Fetch) -> tuple[ColumnElement[bool], ...]:
    owed = owed_uses_table.c
    return owed.tenant_id == fetch.tenant_id, owed.workflow_id == fetch.workflow_id
