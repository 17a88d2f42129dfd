"""The state and the role of an account, and the day of its last use.

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change; an account that no password opens is that of somebody who left."""
    op.add_column("users", sa.Column("state", sa.String(length=10), server_default="active", nullable=False))
    op.add_column("users", sa.Column("role", sa.String(length=14), server_default="employee", nullable=False))
    op.add_column("users", sa.Column("last_seen_on", sa.Date(), nullable=True))
    op.execute("UPDATE users SET role = 'administrator' WHERE is_admin")
    op.execute("UPDATE users SET state = 'left' WHERE password_hash = ''")
    op.execute(
        "UPDATE users SET last_seen_on = (SELECT date(max(seen_at)) FROM login_sessions WHERE user_id = users.id)"
    )
    op.drop_column("users", "is_admin")


def downgrade() -> None:
    """Take it back; who is suspended or was not approved is let in by no password."""
    op.add_column("users", sa.Column("is_admin", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE users SET is_admin = (role = 'administrator')")
    op.execute("UPDATE users SET password_hash = '' WHERE state != 'active'")
    op.drop_column("users", "last_seen_on")
    op.drop_column("users", "role")
    op.drop_column("users", "state")
