"""Ready prompts, and instructions of people and conversations.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "prompts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_prompts_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prompts")),
    )
    op.create_index(op.f("ix_prompts_user_id"), "prompts", ["user_id"])
    op.add_column("users", sa.Column("instructions", sa.Text(), server_default="", nullable=False))
    op.add_column("users", sa.Column("send_key", sa.String(length=10), server_default="enter", nullable=False))
    op.add_column("conversations", sa.Column("instructions", sa.Text(), server_default="", nullable=False))
    op.add_column("conversations", sa.Column("personal_instructions", sa.Text(), nullable=True))
    # What was begun without such a text stays without: its prompts keep their bytes.
    op.execute("UPDATE conversations SET personal_instructions = '' WHERE head_id IS NOT NULL")


def downgrade() -> None:
    """Take it back."""
    op.drop_column("conversations", "personal_instructions")
    op.drop_column("conversations", "instructions")
    op.drop_column("users", "send_key")
    op.drop_column("users", "instructions")
    op.drop_index(op.f("ix_prompts_user_id"), table_name="prompts")
    op.drop_table("prompts")
