"""What messages have told of relations that come and go, kept where every replica finds it.

Whether it is all that was told is the inbox's to say: while that cannot know, no relation of the kind holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select, update

from harness.serving.relations import Told
from reference_services.platform import tables
from reference_services.platform.store import Store, Transaction

_R = tables.relations.c
_SAME = (_R.operation == bindparam("o"), _R.thing == bindparam("t"))
_THERE = select(_R.thing).where(*_SAME)
_KNOWN = select(_R.holds).where(
    _R.relation == bindparam("relation"), _R.actor == bindparam("actor"), _R.subject == bindparam("subject")
)
_NEW = insert(tables.relations)
_CHANGE = (
    update(tables.relations)
    .where(*_SAME)
    .values(
        relation=bindparam("now_relation"),
        actor=bindparam("now_actor"),
        subject=bindparam("now_subject"),
        holds=bindparam("now_holds"),
    )
)
_RENAME = [
    update(tables.relations).where(column == bindparam("old")).values({column: bindparam("new")})
    for column in (_R.actor, _R.subject)
]


@dataclass(frozen=True, slots=True)
class Relations:
    """``harness.serving.relations.Holds`` over a store; ``current``: whether all that was told is known."""

    store: Store
    told: frozenset[str]
    current: Callable[[], bool]

    def __call__(self, relation: str, actor: str, subject: str) -> bool:
        """Of a relation of which no message tells, the token alone speaks."""
        if relation not in self.told:
            return True
        if not self.current():
            return False
        with self.store.transaction(write=False) as transaction:
            return holds(transaction, relation, actor, subject)


def holds(transaction: Transaction, relation: str, actor: str, subject: str) -> bool:
    """Whether a relation holds for all that was told: nothing, or of something that it does."""
    asked = {"relation": relation, "actor": actor, "subject": subject}
    known = transaction.connection.execute(_KNOWN, asked).scalars().all()
    return not known or any(known)


def note(transaction: Transaction, operation: str, told: Told) -> None:
    """Keep what a message told, in place of what was told before of the same thing."""
    connection, place = transaction.connection, {"o": operation, "t": told.thing}
    row = {
        "relation": told.relation,
        "actor": told.actor,
        "subject": told.subject,
        "holds": int(told.holds),
    }
    if connection.execute(_THERE, place).first() is None:
        connection.execute(_NEW, {"operation": operation, "thing": told.thing, **row})
    else:
        connection.execute(_CHANGE, {**place, **{f"now_{name}": value for name, value in row.items()}})


def resettle(transaction: Transaction, old: str, new: str) -> None:
    """A merged patient's relations are the surviving one's, on either side."""
    for statement in _RENAME:
        transaction.connection.execute(statement, {"old": old, "new": new})
