"""What other services are still to be called for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("service", _text(255), nullable=False),
        sa.Column("operation", _text(255), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("correlation", _text(255), nullable=False),
        sa.Column("traceparent", _text(255), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("since", _text(40), nullable=False),
        sa.Column("due", _text(40), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("calls_by_due", "calls", ["due", "seq"])


def downgrade() -> None:
    op.drop_table("calls")
