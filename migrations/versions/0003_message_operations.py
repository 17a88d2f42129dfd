"""ratings of answers, and when a question was corrected

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table('ratings',
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('good', sa.Boolean(), nullable=False),
    sa.Column('reason', sa.String(length=1000), nullable=False),
    sa.Column('rated_at', UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['messages.id'], name=op.f('fk_ratings_message_id_messages'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('message_id', name=op.f('pk_ratings'))
    )
    op.add_column('messages', sa.Column('edited_at', UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    # In place: making the table anew would take along whatever hangs on it.
    op.drop_column('messages', 'edited_at')
    op.drop_table('ratings')
