"""What is known of answers that were written with documents, and which models may write them.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.add_column("runs", sa.Column("unread", sa.JSON(), nullable=True))
    op.add_column("runs", sa.Column("sources", sa.JSON(), nullable=True))
    op.add_column("lab_labels", sa.Column("reading", sa.Integer(), nullable=True))
    op.add_column("lab_labels", sa.Column("abstention", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("lab_labels", "abstention")
    op.drop_column("lab_labels", "reading")
    op.drop_column("runs", "sources")
    op.drop_column("runs", "unread")
