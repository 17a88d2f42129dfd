"""The models' labels, as the chat's list shows them.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "lab_labels",
        sa.Column("model", sa.String(length=200), primary_key=True),
        sa.Column("letter", sa.String(length=1), nullable=False),
        sa.Column("mail_s", sa.Integer()),
        sa.Column("ram_bytes", sa.BigInteger()),
        sa.Column("good_at", sa.JSON(), nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("lab_labels")
