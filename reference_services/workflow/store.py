"""Where are the executions kept? Every query goes through a tenant's own rows."""

from datetime import UTC, datetime

from sqlalchemy import JSON, Boolean, Column, Index, MetaData, String, Table, insert, select

from reference_services.common.database import Database, UtcDateTime
from reference_services.workflow.models import Execution

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
    Column("created_at", UtcDateTime, nullable=False),
    Index("executions_of_tenant", "tenant_id", "created_at"),
)


class ExecutionsStore:
    """The completed executions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, tenant_id: str, execution: Execution) -> None:
        """Keep one execution."""
        row = {
            "workflow_id": execution.workflow_id,
            "tenant_id": tenant_id,
            "workflow_type": execution.workflow_type,
            "status": execution.status,
            "partial_result": execution.partial_result,
            "record": execution.model_dump(mode="json"),
            "created_at": datetime.now(UTC),
        }
        with self._database.writing() as connection:
            connection.execute(insert(executions_table), row)

    def read(self, tenant_id: str, workflow_id: str) -> Execution | None:
        """Return the tenant's execution, if there is one."""
        wanted = select(executions_table.c.record).where(
            executions_table.c.tenant_id == tenant_id,
            executions_table.c.workflow_id == workflow_id,
        )
        with self._database.reading() as connection:
            record = connection.scalar(wanted)
        return Execution.model_validate(record) if record else None
