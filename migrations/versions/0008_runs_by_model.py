"""Answers by their model.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_index(op.f("ix_runs_model"), "runs", ["model"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_runs_model"), "runs")
