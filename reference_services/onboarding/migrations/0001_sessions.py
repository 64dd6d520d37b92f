"""Table for onboarding sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "onboarding_sessions",
        sa.Column("session_id", sa.String(36), primary_key=True),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("company_domain", sa.String(253), nullable=False),
        sa.Column("user_email", sa.String(254), nullable=False),
        sa.Column("snapshot", sa.JSON),
        sa.Column("batch_key", sa.String(500)),
        sa.Column("card_ids", sa.JSON),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_index("sessions_of_tenant", "onboarding_sessions", ["tenant_id", "created_at"])
