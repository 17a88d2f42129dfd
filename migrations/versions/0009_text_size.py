"""The size of text that a person chose.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("users", sa.Column("text_size", sa.String(length=10), nullable=False, server_default="normal"))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("users", "text_size")
