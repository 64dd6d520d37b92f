"""Tables for cards, their uses and the idempotency keys of batches."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the three tables."""
    moment, name = sa.DateTime(timezone=True), sa.String(32)
    op.create_table(
        "cards",
        sa.Column("tenant_id", sa.String(36), primary_key=True),
        sa.Column("card_id", sa.String(36), primary_key=True),
        sa.Column("card_type", name, nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("usage_count", sa.Integer, nullable=False),
        sa.Column("last_used_at", moment),
        sa.Column("source_session_id", sa.String(64)),
        sa.Column("created_by", sa.String(500)),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
    )
    op.create_index("cards_of_tenant", "cards", ["tenant_id", "created_at"])
    op.create_table(
        "card_usage",
        sa.Column("usage_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("workflow_id", sa.String(64), nullable=False),
        sa.Column("card_id", sa.String(36), nullable=False),
        sa.Column("tenant_id", sa.String(36), nullable=False),
        sa.Column("card_type", name, nullable=False),
        sa.Column("workflow_type", name),
        sa.Column("source", name, nullable=False),
        sa.Column("used_at", moment, nullable=False),
        sa.UniqueConstraint("workflow_id", "card_id"),
    )
    op.create_index("usage_of_tenant", "card_usage", ["tenant_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", sa.String(36), primary_key=True),
        sa.Column("key", sa.String(500), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("card_ids", sa.JSON, nullable=False),
        sa.Column("created_at", moment, nullable=False),
    )
