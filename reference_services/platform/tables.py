"""The platform's tables, the same for every service: a document's shape is the contract's.

Portable SQL only; what a database needs of its own is in ``sqlite.py``, ``postgres.py`` and ``columns.py``. A
change of these tables needs a migration: see ``migrations``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from reference_services.platform.columns import number, text

metadata = MetaData()

aggregates = Table(
    "aggregates",
    metadata,
    # Never used twice, and ascending: the order in which pages walk.
    Column("row", number(), primary_key=True, autoincrement=True),
    Column("type", text(120), nullable=False),
    Column("id", text(255), nullable=False),
    Column("version", number(), nullable=False),
    Column("subject", text(255)),
    Column("status", text(120)),
    Column("entered_at", text(40), nullable=False),
    Column("correlation", text(255), nullable=False),
    Column("uniques", Text, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("type", "id"),
    Index("aggregates_by_type", "type", "row"),
    Index("aggregates_by_subject", "type", "subject", "row"),
    sqlite_autoincrement=True,
)
"""``entered_at``: when it came into its status, RFC 3339 in UTC; ``correlation``: of the change that brought
it there; ``uniques``: names of its unique keys."""

fields = Table(
    "fields",
    metadata,
    Column("row", number(), nullable=False),
    Column("type", text(120), nullable=False),
    Column("name", text(255), nullable=False),
    Column("value", text(255), nullable=False),
    Index("fields_by_value", "type", "name", "value", "row"),
    Index("fields_by_row", "row", "name"),
)
"""The scalar properties of every document, so that filters and orders find them. Values sort as text."""

unique_keys = Table(
    "unique_keys",
    metadata,
    Column("type", text(120), primary_key=True),
    Column("name", text(255), primary_key=True),
    Column("digest", text(64), primary_key=True),
    Column("row", number(), nullable=False),
    Index("unique_keys_by_row", "row"),
)

timers = Table(
    "timers",
    metadata,
    Column("row", number(), primary_key=True, autoincrement=False),
    Column("edge", text(120), primary_key=True),
    Column("type", text(120), nullable=False),
    Column("id", text(255), nullable=False),
    Column("due", text(40), nullable=False),
    Column("parked", Integer, nullable=False),
    Index("timers_by_due", "parked", "due"),
)
"""``parked`` is 1 where time was up and the transition failed."""

outbox = Table(
    "outbox",
    metadata,
    Column("seq", number(), primary_key=True, autoincrement=True),
    Column("topic", text(255), nullable=False),
    Column("key", text(255)),
    Column("headers", Text, nullable=False),
    Column("value", LargeBinary),
    sqlite_autoincrement=True,
)
"""What is still to be published; a row leaves when the broker has confirmed it."""

calls = Table(
    "calls",
    metadata,
    Column("seq", number(), primary_key=True, autoincrement=True),
    Column("service", text(255), nullable=False),
    Column("operation", text(255), nullable=False),
    Column("path", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("correlation", text(255), nullable=False),
    Column("traceparent", text(255), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("since", text(40), nullable=False),
    Column("due", text(40), nullable=False),
    Index("calls_by_due", "due", "seq"),
    sqlite_autoincrement=True,
)
"""Operations of other services that are still to be called; a row leaves when it was taken, or given up."""

inbox = Table(
    "inbox",
    metadata,
    Column("operation", text(255), primary_key=True),
    Column("event", text(255), primary_key=True),
    Column("outcome", text(20), nullable=False),
    Column("at", text(40), nullable=False),
    Index("inbox_by_age", "at"),
)
"""What was taken in. ``outcome``: done, stale (its sequence goes back) or dead (dead letter)."""

received = Table(
    "received",
    metadata,
    Column("operation", text(255), primary_key=True),
    Column("topic", text(255), primary_key=True),
    Column("key", text(255), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

relations = Table(
    "relations",
    metadata,
    Column("operation", text(255), primary_key=True),
    Column("thing", text(255), primary_key=True),
    Column("relation", text(20), nullable=False),
    Column("actor", text(255), nullable=False),
    Column("subject", text(255), nullable=False),
    Column("holds", Integer, nullable=False),
    Index("relations_by_actor", "relation", "actor", "subject"),
)
"""What messages told of who stands in which relation to whom: the last word on each thing (a grant, say)."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("operation", text(255), primary_key=True),
    Column("caller", text(255), primary_key=True),
    Column("key", text(255), primary_key=True),
    Column("digest", text(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("content_type", text(120), nullable=False),
    Column("body", LargeBinary),
    Column("at", text(40), nullable=False),
    Index("idempotency_by_age", "at"),
)
