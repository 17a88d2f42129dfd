"""Libraries, and the files that are in them.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "libraries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_libraries_created_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_libraries")),
        sa.UniqueConstraint("name", name=op.f("uq_libraries_name")),
    )
    op.add_column("files", sa.Column("library_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_files_library_id"), "files", ["library_id"])


def downgrade() -> None:
    """Take it back; documents of libraries become their administrators' own."""
    op.drop_index(op.f("ix_files_library_id"), "files")
    op.drop_column("files", "library_id")
    op.drop_table("libraries")
