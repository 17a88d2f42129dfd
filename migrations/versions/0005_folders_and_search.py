"""Folders, what was read last, and full-text search.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from app.models.search import CREATE, DROP
from app.models.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "folders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_key", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_folders_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folders")),
        sa.UniqueConstraint("user_id", "name_key", name=op.f("uq_folders_user_id_name_key")),
    )
    op.add_column("conversations", sa.Column("folder_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_conversations_folder_id"), "conversations", ["folder_id"])
    op.add_column("conversations", sa.Column("seen_at", UtcDateTime(), nullable=True))
    # Whatever was answered before counts as read.
    op.execute("UPDATE conversations SET seen_at = CURRENT_TIMESTAMP")
    if op.get_bind().dialect.name == "sqlite":
        for statement in CREATE:
            op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "sqlite":
        for statement in DROP:
            op.execute(statement)
    op.drop_column("conversations", "seen_at")
    op.drop_index(op.f("ix_conversations_folder_id"), table_name="conversations")
    op.drop_column("conversations", "folder_id")
    op.drop_table("folders")
