"""Notes of long documents that are read part by part.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "digests",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("timing", sa.String(length=5), nullable=False),
        sa.Column("part_tokens", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_digests_message_id_messages"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_digests")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("digests")
