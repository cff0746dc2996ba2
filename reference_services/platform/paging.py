"""Filters and pages. A cursor is a place in the order, not a number of items: nothing shifts under it."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select, type_coerce

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from harness.serving.sight import Sight
from reference_services.platform import tables
from reference_services.platform.aggregate import Aggregate, Between, Page
from reference_services.platform.operations import OperationPlan
from reference_services.platform.records import COLUMNS, aggregate_of, count, has_field
from reference_services.platform.store import Transaction
from reference_services.platform.values import sortable

Where = Mapping[str, JSON | Between]
"""Property (dotted where nested) → value, ``Between``, or a list, tuple or set of which any may hold."""

SORTED_BY = 56
"""So many characters of a text decide its place, so that every cursor fits into 512."""

_A = tables.aggregates.c
_F = tables.fields.c


@dataclass(frozen=True, slots=True)
class Wish:
    """Which page is wanted. ``after`` is the place of the last item before it: (sort text, row)."""

    limit: int
    order: str | None
    newest: bool
    list: str
    after: tuple[str, int] | None


def conditions(type: str, where: Where, sight: Sight, *, absent: bool) -> list[ColumnElement[bool]]:
    """``where`` and what the caller may see, as SQL. None means: ``absent``, or anything at all."""
    found: list[ColumnElement[bool]] = [_A.type == type]
    for name, wanted in where.items():
        if wanted is None:
            if absent:
                found.append(~has_field(type, name))
        elif name == "id" and not isinstance(wanted, Between):
            found.append(_A.id.in_(_any_of(wanted)))
        else:
            found.append(has_field(type, name, *_tests(wanted)))
    if sight.people is not None:
        seen = _A.subject.in_(sorted(sight.people))
        found.append(or_(seen, _A.subject.is_(None)) if sight.nobody else seen)
    return found


def wish_of(plan: OperationPlan, request: Request, order: str | None, newest: bool) -> Wish:
    """Read the query's ``limit`` and ``cursor``. Raises Problem for a cursor of another list or of nobody."""
    query = {name: value for name, value in request.query.items() if name not in {"limit", "cursor"}}
    said = [plan.id, dict(request.path), query, order, newest]
    name = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
    cursor = request.query.get("cursor")
    after = None
    if cursor is not None:
        after = _opened(str(cursor), name)
        if after is None:
            raise Problem(
                plan.cursor_refusal,
                detail="This cursor was not given out for this list.",
                errors=[Reason("/query/cursor", "was not given out for this list")],
            )
    return Wish(int(request.query.get("limit") or plan.limit), order, newest, name, after)


def read(transaction: Transaction, type: str, matching: Sequence[ColumnElement[bool]], wish: Wish) -> Page:
    """The page that was wished for, with the total of all that match."""
    place = _place(type, wish.order)
    query = select(*COLUMNS, place).where(*matching).limit(wish.limit + 1)
    if wish.after is not None:
        value, row = wish.after
        further = _A.row < row if wish.newest else _A.row > row
        if wish.order is not None:
            beyond = place < value if wish.newest else place > value
            further = or_(beyond, and_(place == value, further))
        query = query.where(further)
    keys: list[ColumnElement[Any]] = [place, _A.row] if wish.order is not None else [_A.row]
    query = query.order_by(*(key.desc() if wish.newest else key.asc() for key in keys))
    rows = transaction.connection.execute(query).all()
    items = [aggregate_of(row[:-1]) for row in rows[: wish.limit]]
    following = None
    if len(rows) > wish.limit:
        following = _sealed(wish, rows[wish.limit - 1][-1], items[-1])
    return Page(items, count(transaction, matching), following)


def _place(type: str, order: str | None) -> ColumnElement[str]:
    """The text by which an aggregate is sorted; what lacks the property comes first."""
    if order is None:
        return func.coalesce(None, "")
    value = select(func.min(_F.value)).where(_F.row == _A.row, _F.type == type, _F.name == order)
    return type_coerce(func.substr(func.coalesce(value.scalar_subquery(), ""), 1, SORTED_BY), _F.value.type)


def _any_of(wanted: JSON) -> list[JSON]:
    return list(wanted) if isinstance(wanted, list | tuple | set | frozenset) else [wanted]


def _tests(wanted: JSON | Between) -> list[ColumnElement[bool]]:
    if isinstance(wanted, Between):
        low = [] if wanted.low is None else [_F.value >= sortable(wanted.low)]
        return low if wanted.high is None else [*low, _F.value < sortable(wanted.high)]
    return [_F.value.in_([sortable(each) for each in _any_of(wanted)])]


def _sealed(wish: Wish, place: str, last: Aggregate) -> str:
    token = orjson.dumps([wish.list, place if wish.order is not None else "", last.row])
    return urlsafe_b64encode(token).rstrip(b"=").decode()


def _opened(cursor: str, name: str) -> tuple[str, int] | None:
    """The place that a cursor names, None if it is none of this list's."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        token = orjson.loads(urlsafe_b64decode(padded.encode("ascii")))
    except (Base64Error, ValueError):
        return None
    match token:
        case [str() as of, str() as place, int() as row] if of == name and 0 <= row < 2**63:
            return place, row
    return None
