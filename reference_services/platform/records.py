"""Aggregates in their table, with their filter values, unique keys and timers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from harness.contract.model import JSON
from harness.serving.claims import digest
from reference_services.platform import tables
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.inserting import insert_many
from reference_services.platform.store import Conflict, Transaction
from reference_services.platform.values import scalars

_A = tables.aggregates.c
COLUMNS = (
    _A.type,
    _A.id,
    _A.version,
    _A.document,
    _A.subject,
    _A.status,
    _A.entered_at,
    _A.correlation,
    _A.uniques,
    _A.row,
)
_BY_ID = select(*COLUMNS).where(_A.type == bindparam("type"), _A.id == bindparam("id"))
_SINCE = select(_A.type, _A.id, _A.row).where(_A.row > bindparam("last"))
_AT_ONCE = 200
"""Rows that are fetched together where all are gone through."""

_INSERT = insert(tables.aggregates)
_UPDATE = update(tables.aggregates).where(_A.row == bindparam("at"), _A.version == bindparam("expected"))
_DELETE = delete(tables.aggregates).where(_A.row == bindparam("at"), _A.version == bindparam("expected"))
_FIELDS = select(tables.fields.c.name, tables.fields.c.value).where(tables.fields.c.row == bindparam("at"))
_FORGET_FIELD = delete(tables.fields).where(
    tables.fields.c.row == bindparam("at"),
    tables.fields.c.name == bindparam("gone"),
    tables.fields.c.value == bindparam("was"),
)
_ADD_FIELD = insert(tables.fields)
_BY_VALUE = itemgetter(1, 2, 3, 0)
"""Of a row of ``fields``."""

_CLAIM = insert(tables.unique_keys)
_K = tables.unique_keys.c
_HOLDER = (
    select(_A.id)
    .join(tables.unique_keys, _K.row == _A.row)
    .where(_K.type == bindparam("type"), _K.name == bindparam("name"), _K.digest == bindparam("digest"))
)
_FORGET = {
    table.name: delete(table).where(table.c.row == bindparam("at"))
    for table in (tables.fields, tables.unique_keys, tables.timers)
}


class Taken(Exception):
    """An id or a unique key that another aggregate has. ``name`` is the key's."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def read(transaction: Transaction, type: str, id: str) -> Aggregate | None:
    """The aggregate, or None."""
    found = transaction.connection.execute(_BY_ID, {"type": type, "id": id}).one_or_none()
    return None if found is None else aggregate_of(found)


def aggregate_of(found: Sequence[Any]) -> Aggregate:
    """From a row of ``COLUMNS``."""
    type, id, version, document, subject, status, entered_at, correlation, uniques, row = found
    names = tuple(orjson.loads(uniques)) if uniques != "[]" else ()
    return Aggregate(
        type, id, version, orjson.loads(document), subject, status, entered_at, correlation, names, row
    )


def add(transaction: Transaction, aggregate: Aggregate) -> None:
    """Insert it, and set its ``row``. Raises Taken, after which the transaction must be given up."""
    transaction.must_write()
    try:
        made = transaction.connection.execute(_INSERT, {**_columns(aggregate), "type": aggregate.type})
    except IntegrityError as error:
        raise Taken("id") from error
    (aggregate.row,) = made.inserted_primary_key or (0,)
    _index(transaction, aggregate, set())
    _claim(transaction, aggregate)


def add_all(transaction: Transaction, aggregates: Sequence[Aggregate]) -> None:
    """Insert many, and set their ``row``; much faster than one by one. Raises Taken, as ``add`` does."""
    transaction.must_write()
    if not aggregates:
        return
    connection = transaction.connection
    last = connection.execute(select(func.max(_A.row))).scalar() or 0
    try:
        made = [{"type": each.type, **_columns(each)} for each in aggregates]
        insert_many(connection, tables.aggregates, tuple(made[0]), [tuple(each.values()) for each in made])
    except IntegrityError as error:
        raise Taken("id") from error
    rows = {(type, id): row for type, id, row in connection.execute(_SINCE, {"last": last})}
    fields, claims = [], []
    for each in aggregates:
        each.row = rows[each.type, each.id]
        fields += [(each.row, each.type, *field) for field in set(scalars(each.document))]
        claims += [(each.type, *claim, each.row) for claim in _claims(each)]
    fields.sort(key=_BY_VALUE)  # as the index has them; a set has no order
    insert_many(connection, tables.fields, ("row", "type", "name", "value"), fields)
    try:
        insert_many(connection, tables.unique_keys, ("type", "name", "digest", "row"), claims)
    except IntegrityError as error:
        raise Taken("a unique key") from error


def replace(transaction: Transaction, aggregate: Aggregate, expected: int) -> None:
    """Write it over version ``expected``. Raises Conflict if that is not there any more; Taken."""
    transaction.must_write()
    changed = transaction.connection.execute(
        _UPDATE, {**_columns(aggregate), "at": aggregate.row, "expected": expected}
    )
    if changed.rowcount != 1:
        raise Conflict
    before = transaction.connection.execute(_FIELDS, {"at": aggregate.row})
    _index(transaction, aggregate, {(name, value) for name, value in before})
    if aggregate.uniques:
        transaction.connection.execute(_FORGET["unique_keys"], {"at": aggregate.row})
        _claim(transaction, aggregate)


def remove(transaction: Transaction, aggregate: Aggregate) -> None:
    """Delete it and all that hangs on it. Raises Conflict if it has changed."""
    transaction.must_write()
    gone = transaction.connection.execute(_DELETE, {"at": aggregate.row, "expected": aggregate.version})
    if gone.rowcount != 1:
        raise Conflict
    for statement in _FORGET.values():
        transaction.connection.execute(statement, {"at": aggregate.row})


def clear(transaction: Transaction, everything: Iterable[Any]) -> None:
    """Empty these tables."""
    for table in everything:
        transaction.connection.execute(delete(table))


def search(
    transaction: Transaction, conditions: Sequence[ColumnElement[bool]], limit: int | None
) -> list[Aggregate]:
    """All that match, in the order in which they were made."""
    query = select(*COLUMNS).where(*conditions).order_by(_A.row)
    rows = transaction.connection.execute(query if limit is None else query.limit(limit))
    return [aggregate_of(each) for each in rows]


def in_order(transaction: Transaction, type: str, name: str) -> Iterator[Aggregate]:
    """All that have a scalar of this name, in its order; few are held at once, however many there are.

    As they were when the first was read; to be read within the transaction.
    """
    f = tables.fields.c
    query = select(*COLUMNS).join(tables.fields, f.row == _A.row).where(f.type == type, f.name == name)
    query = query.order_by(f.value, f.row).execution_options(yield_per=_AT_ONCE)
    for found in transaction.connection.execute(query):
        yield aggregate_of(found)


def count(transaction: Transaction, conditions: Sequence[ColumnElement[bool]]) -> int:
    found = transaction.connection.execute(select(func.count(_A.row)).where(*conditions)).scalar_one()
    return int(found)


def has_field(type: str, name: str, *tests: ColumnElement[bool]) -> ColumnElement[bool]:
    """That a scalar of this dotted name exists and passes every test on ``tables.fields.c.value``."""
    f = tables.fields.c
    return exists().where(f.row == _A.row, f.type == type, f.name == name, *tests)


def _columns(aggregate: Aggregate) -> dict[str, JSON]:
    return {
        "id": aggregate.id,
        "version": aggregate.version,
        "subject": aggregate.subject,
        "status": aggregate.status,
        "entered_at": aggregate.entered_at,
        "correlation": aggregate.correlation,
        "uniques": orjson.dumps(aggregate.uniques).decode(),
        "document": orjson.dumps(aggregate.document).decode(),
    }


def _index(transaction: Transaction, aggregate: Aggregate, before: set[tuple[str, str]]) -> None:
    """Bring the filter values into line with the document; only what differs is written."""
    now = set(scalars(aggregate.document))
    gone = [{"at": aggregate.row, "gone": name, "was": value} for name, value in before - now]
    new = [
        {"row": aggregate.row, "type": aggregate.type, "name": name, "value": value}
        for name, value in now - before
    ]
    if gone:
        transaction.connection.execute(_FORGET_FIELD, gone)
    if new:
        transaction.connection.execute(_ADD_FIELD, new)


def _claim(transaction: Transaction, aggregate: Aggregate) -> None:
    """Take the unique keys that the document has now."""
    for name, claim in _claims(aggregate):
        key = {"type": aggregate.type, "name": name, "digest": claim, "row": aggregate.row}
        try:
            transaction.connection.execute(_CLAIM, key)
        except IntegrityError as error:
            raise Taken(name) from error


def _claims(aggregate: Aggregate) -> Iterator[tuple[str, str]]:
    """The unique keys of a document: their names, and digests of its values."""
    for name in aggregate.uniques:
        values = [aggregate.document.get(part) for part in name.split(",")]
        if any(value is None for value in values):
            continue
        alone = values[0] if len(values) == 1 and isinstance(values[0], list) else None
        claims = [digest(values)] if alone is None else [digest([each]) for each in alone]
        yield from ((name, claim) for claim in dict.fromkeys(claims))


def holder(transaction: Transaction, type: str, name: str, value: JSON) -> Aggregate | None:
    """Who has taken this value of a unique key of one property."""
    wanted = {"type": type, "name": name, "digest": digest([value])}
    id = transaction.connection.execute(_HOLDER, wanted).scalar()
    return None if id is None else read(transaction, type, id)


def unique_names(uniques: Iterable[str | tuple[str, ...]]) -> tuple[str, ...]:
    """Each unique key's name: its properties, joined by commas."""
    return tuple(each if isinstance(each, str) else ",".join(each) for each in uniques)


def stored(document: Mapping[str, JSON]) -> dict[str, JSON]:
    """A copy that nobody else holds."""
    copy: dict[str, JSON] = orjson.loads(orjson.dumps(document))
    return copy
