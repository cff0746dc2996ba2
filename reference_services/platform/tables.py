"""The platform's tables, the same for every service: a document's shape is the contract's.

Portable SQL only; what a database needs of its own is in ``engine.py``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

aggregates = Table(
    "aggregates",
    metadata,
    # Never used twice, and ascending: the order in which pages walk.
    Column("row", Integer, primary_key=True, autoincrement=True),
    Column("type", String(120), nullable=False),
    Column("id", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("subject", String(255)),
    Column("status", String(120)),
    Column("entered_at", String(40), nullable=False),
    Column("correlation", String(255), nullable=False),
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
    Column("row", Integer, nullable=False),
    Column("type", String(120), nullable=False),
    Column("name", String(255), nullable=False),
    Column("value", String(255), nullable=False),
    Index("fields_by_value", "type", "name", "value", "row"),
    Index("fields_by_row", "row", "name"),
)
"""The scalar properties of every document, so that filters and orders find them. Values sort as text."""

unique_keys = Table(
    "unique_keys",
    metadata,
    Column("type", String(120), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("row", Integer, nullable=False),
    Index("unique_keys_by_row", "row"),
)

timers = Table(
    "timers",
    metadata,
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("edge", String(120), primary_key=True),
    Column("type", String(120), nullable=False),
    Column("id", String(255), nullable=False),
    Column("due", String(40), nullable=False),
    Column("parked", Integer, nullable=False),
    Index("timers_by_due", "parked", "due"),
)
"""``parked`` is 1 where time was up and the transition failed."""

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("topic", String(255), nullable=False),
    Column("key", String(255)),
    Column("headers", Text, nullable=False),
    Column("value", LargeBinary),
    sqlite_autoincrement=True,
)
"""What is still to be published; a row leaves when the broker has confirmed it."""

inbox = Table(
    "inbox",
    metadata,
    Column("operation", String(255), primary_key=True),
    Column("event", String(255), primary_key=True),
    Column("outcome", String(20), nullable=False),
    Column("at", String(40), nullable=False),
    Index("inbox_by_age", "at"),
)
"""What was taken in. ``outcome``: done, stale (its sequence goes back) or dead (dead letter)."""

received = Table(
    "received",
    metadata,
    Column("operation", String(255), primary_key=True),
    Column("topic", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

relations = Table(
    "relations",
    metadata,
    Column("operation", String(255), primary_key=True),
    Column("thing", String(255), primary_key=True),
    Column("relation", String(20), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("holds", Integer, nullable=False),
    Index("relations_by_actor", "relation", "actor", "subject"),
)
"""What messages told of who stands in which relation to whom: the last word on each thing (a grant, say)."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("operation", String(255), primary_key=True),
    Column("caller", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    Column("content_type", String(120), nullable=False),
    Column("body", LargeBinary),
    Column("at", String(40), nullable=False),
    Index("idempotency_by_age", "at"),
)
