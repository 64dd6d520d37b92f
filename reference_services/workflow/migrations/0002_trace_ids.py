"""Column for the trace id of the request that wrote an execution."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; it is NULL in existing rows."""
    op.add_column("workflow_executions", sa.Column("trace_id", sa.String(128)))
