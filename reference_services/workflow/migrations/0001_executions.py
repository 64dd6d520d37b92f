"""Tables for executions and for the uses that Cards has not recorded yet."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the two tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "workflow_executions",
        sa.Column("workflow_id", sa.String(36), primary_key=True),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("workflow_type", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("partial_result", sa.Boolean, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
    op.create_index("executions_of_tenant", "workflow_executions", ["tenant_id", "created_at"])
    op.create_table(
        "owed_uses",
        sa.Column("workflow_id", sa.String(36), primary_key=True),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("workflow_type", sa.String(32), nullable=False),
        sa.Column("card_ids", sa.JSON, nullable=False),
        sa.Column("queued_at", moment, nullable=False),
    )
