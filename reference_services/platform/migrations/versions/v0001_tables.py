"""The first tables. A file that was made before there were migrations has some of them, or all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.Text(collation="C"), "postgresql")


_INDICES = (
    ("aggregates_by_type", "aggregates", ("type", "row")),
    ("aggregates_by_subject", "aggregates", ("type", "subject", "row")),
    ("fields_by_value", "fields", ("type", "name", "value", "row")),
    ("fields_by_row", "fields", ("row", "name")),
    ("unique_keys_by_row", "unique_keys", ("row",)),
    ("timers_by_due", "timers", ("parked", "due")),
    ("inbox_by_age", "inbox", ("at",)),
    ("relations_by_actor", "relations", ("relation", "actor", "subject")),
    ("idempotency_by_age", "idempotency", ("at",)),
)


def upgrade() -> None:
    _make_aggregates()
    _make_messages()
    _make_requests()
    for name, table, columns in _INDICES:
        op.create_index(name, table, list(columns), if_not_exists=True)


def downgrade() -> None:
    for table in dict.fromkeys(table for _, table, _ in reversed(_INDICES)):
        op.drop_table(table)
    for table in ("received", "outbox"):
        op.drop_table(table)


def _make_aggregates() -> None:
    op.create_table(
        "aggregates",
        sa.Column("row", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("type", _text(120), nullable=False),
        sa.Column("id", _text(255), nullable=False),
        sa.Column("version", _NUMBER, nullable=False),
        sa.Column("subject", _text(255)),
        sa.Column("status", _text(120)),
        sa.Column("entered_at", _text(40), nullable=False),
        sa.Column("correlation", _text(255), nullable=False),
        sa.Column("uniques", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("type", "id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "fields",
        sa.Column("row", _NUMBER, nullable=False),
        sa.Column("type", _text(120), nullable=False),
        sa.Column("name", _text(255), nullable=False),
        sa.Column("value", _text(255), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "unique_keys",
        sa.Column("type", _text(120), primary_key=True),
        sa.Column("name", _text(255), primary_key=True),
        sa.Column("digest", _text(64), primary_key=True),
        sa.Column("row", _NUMBER, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "timers",
        sa.Column("row", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("edge", _text(120), primary_key=True),
        sa.Column("type", _text(120), nullable=False),
        sa.Column("id", _text(255), nullable=False),
        sa.Column("due", _text(40), nullable=False),
        sa.Column("parked", sa.Integer, nullable=False),
        if_not_exists=True,
    )


def _make_messages() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("topic", _text(255), nullable=False),
        sa.Column("key", _text(255)),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_table(
        "inbox",
        sa.Column("operation", _text(255), primary_key=True),
        sa.Column("event", _text(255), primary_key=True),
        sa.Column("outcome", _text(20), nullable=False),
        sa.Column("at", _text(40), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "received",
        sa.Column("operation", _text(255), primary_key=True),
        sa.Column("topic", _text(255), primary_key=True),
        sa.Column("key", _text(255), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "relations",
        sa.Column("operation", _text(255), primary_key=True),
        sa.Column("thing", _text(255), primary_key=True),
        sa.Column("relation", _text(20), nullable=False),
        sa.Column("actor", _text(255), nullable=False),
        sa.Column("subject", _text(255), nullable=False),
        sa.Column("holds", sa.Integer, nullable=False),
        if_not_exists=True,
    )


def _make_requests() -> None:
    op.create_table(
        "idempotency",
        sa.Column("operation", _text(255), primary_key=True),
        sa.Column("caller", _text(255), primary_key=True),
        sa.Column("key", _text(255), primary_key=True),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("headers", sa.Text, nullable=False),
        sa.Column("content_type", _text(120), nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("at", _text(40), nullable=False),
        if_not_exists=True,
    )
