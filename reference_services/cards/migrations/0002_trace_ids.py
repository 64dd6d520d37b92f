"""Column for the trace id of the request that wrote a card or a use."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; it is NULL in existing rows."""
    op.add_column("cards", sa.Column("trace_id", sa.String(128)))
    op.add_column("card_usage", sa.Column("trace_id", sa.String(128)))
