"""The Labo: machines, measuring runs, samples, blind votes.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from app.models.base import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "lab_machines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_machines")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_lab_machines_fingerprint")),
    )
    op.create_table(
        "lab_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("machine_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("engine", sa.JSON(), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error_cause", sa.String(length=1000), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["machine_id"], ["lab_machines.id"], name=op.f("fk_lab_runs_machine_id_lab_machines")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lab_runs_user_id_users"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_runs")),
    )
    op.create_index(op.f("ix_lab_runs_machine_id"), "lab_runs", ["machine_id"])
    op.create_index(op.f("ix_lab_runs_state"), "lab_runs", ["state"])

    op.create_table(
        "lab_campaigns",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("closed", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["lab_runs.id"], name=op.f("fk_lab_campaigns_run_id_lab_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_lab_campaigns_user_id_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_campaigns")),
    )
    op.create_table(
        "lab_samples",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("setting", sa.JSON(), nullable=False),
        sa.Column("prompt", sa.String(length=80), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("warmup", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("disturbed", sa.Boolean(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("series", sa.JSON(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("thinking", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("judgement", sa.JSON(), nullable=False),
        sa.Column("overruled", sa.String(length=12), nullable=True),
        sa.Column("overruled_note", sa.String(length=1000), nullable=False),
        sa.Column("overruled_by", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=40), nullable=True),
        sa.Column("error_cause", sa.String(length=1000), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["overruled_by"], ["users.id"], name=op.f("fk_lab_samples_overruled_by_users"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["lab_runs.id"], name=op.f("fk_lab_samples_run_id_lab_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_samples")),
    )
    op.create_index(op.f("ix_lab_samples_model"), "lab_samples", ["model"])
    op.create_index("ix_lab_samples_run", "lab_samples", ["run_id", "position"])

    op.create_table(
        "lab_votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("pair", sa.String(length=40), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("second_id", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["lab_campaigns.id"],
            name=op.f("fk_lab_votes_campaign_id_lab_campaigns"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["first_id"], ["lab_samples.id"], name=op.f("fk_lab_votes_first_id_lab_samples"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_id"], ["lab_samples.id"], name=op.f("fk_lab_votes_second_id_lab_samples"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lab_votes_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lab_votes")),
        sa.UniqueConstraint("campaign_id", "user_id", "pair", name="uq_lab_votes_once"),
    )
    op.create_index(op.f("ix_lab_votes_campaign_id"), "lab_votes", ["campaign_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_lab_votes_campaign_id"), "lab_votes")
    op.drop_table("lab_votes")
    op.drop_index("ix_lab_samples_run", "lab_samples")
    op.drop_index(op.f("ix_lab_samples_model"), "lab_samples")
    op.drop_table("lab_samples")
    op.drop_table("lab_campaigns")
    op.drop_index(op.f("ix_lab_runs_state"), "lab_runs")
    op.drop_index(op.f("ix_lab_runs_machine_id"), "lab_runs")
    op.drop_table("lab_runs")
    op.drop_table("lab_machines")
